// A disk on which a call fails: to be preloaded before `shiplog`, never before what that starts.
//
// DISK is the directory that is on it, DISK_FAILS_AT the number of the call that fails with ENOSPC,
// from 1, DISK_STAYS_FULL whether all further ones do, and DISK_FAILED a file that is made when one
// did. The first write to a disk that stays full still writes a part.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long calls;

// Whether a call fails now that is about this path: 2 for the first one, 1 for those after it.
static int fails(const char *path) {
    const char *disk = getenv("DISK"), *at = getenv("DISK_FAILS_AT");
    if (disk == NULL || at == NULL || strncmp(path, disk, strlen(disk)) != 0 ||
        strcmp(program_invocation_short_name, "shiplog") != 0) {
        return 0;
    }
    long call = ++calls, first = atol(at);
    if (call < first || (call > first && getenv("DISK_STAYS_FULL") == NULL)) {
        return 0;
    }
    syscall(SYS_close,
            syscall(SYS_openat, AT_FDCWD, getenv("DISK_FAILED"), O_CREAT | O_WRONLY, 0600));
    errno = ENOSPC;
    return call == first ? 2 : 1;
}

static int fails_fd(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = 0;
    return fails(path);
}

static int open_at(int directory, const char *path, int flags, mode_t mode) {
    return fails(path) ? -1 : (int)syscall(SYS_openat, directory, path, flags, mode);
}

static mode_t mode_of(int flags, va_list rest) {
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...) {                                                   \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode_t mode = mode_of(flags, rest);                                                        \
        va_end(rest);                                                                              \
        return open_at(AT_FDCWD, path, flags, mode);                                               \
    }
OPEN(open)
OPEN(open64)

int mkdir(const char *path, mode_t mode) {
    return fails(path) ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int chmod(const char *path, mode_t mode) {
    return fails(path) ? -1 : (int)syscall(SYS_fchmodat, AT_FDCWD, path, mode);
}

int unlink(const char *path) {
    return fails(path) ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int rename(const char *from, const char *to) {
    return fails(from) ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

ssize_t write(int fd, const void *from, size_t bytes) {
    int fault = fails_fd(fd);
    if (fault == 2 && bytes > 1 && getenv("DISK_STAYS_FULL") != NULL) {
        return syscall(SYS_write, fd, from, bytes / 2);
    }
    return fault ? -1 : syscall(SYS_write, fd, from, bytes);
}

int fsync(int fd) {
    return fails_fd(fd) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd) {
    return fails_fd(fd) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int flock(int fd, int operation) {
    return fails_fd(fd) ? -1 : (int)syscall(SYS_flock, fd, operation);
}

int ftruncate64(int fd, off64_t length) {
    return fails_fd(fd) ? -1 : (int)syscall(SYS_ftruncate, fd, length);
}

// A disk that fails on cue, and that forgets in a power cut what it was not made to keep.
//
// To be preloaded before libfiu's wrappers of the POSIX calls. They make the calls fail; the plan
// says which ones: a file that is mapped, so that a test changes it while the server runs.
//
// What a power cut would leave of the log is kept in a directory of its own: a copy of each of its
// files, to which is added what was written before an `fsync` that succeeded. As on a real disk,
// what was written before one that failed counts as clean: no later `fsync` tries it again.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fiu-control.h>
#include <fiu.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { POINTS = 3, FILES = 2, MOST = 1 << 16 };

// libfiu's names of the kinds of calls: `fsync`, `pwrite`, and `pwrite` that writes less than asked.
static const char *const POINT[POINTS] = {
    "posix/io/sync/fsync", "posix/io/rw/pwrite", "posix/io/rw/pwrite/reduce"};

static const char *const FILE_NAME[FILES] = {"log.sqlite", "log.sqlite-wal"};

// Outlives the process, as the page cache does.
static struct plan {
    // The test writes the first two of each kind of call and reads the last.
    struct point {
        _Atomic uint64_t every; // each so-manieth call fails; 0 for none
        _Atomic uint64_t error; // with this errno
        _Atomic uint64_t calls;
        _Atomic uint64_t failed;
    } points[POINTS];
    // What was written to each file and not yet synced.
    struct file {
        uint64_t ranges;
        struct range {
            off64_t at;
            size_t bytes;
        } written[MOST];
    } files[FILES];
} *plan;

static char data[4096], kept[4096];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void give_up(const char *what) {
    perror(what);
    abort();
}

// libfiu asks whether a call is to fail.
static int fails(const char *name, int *failnum, void **failinfo, unsigned int *flags) {
    (void)failnum;
    (void)flags;
    int i = 0;
    while (strcmp(name, POINT[i]) != 0) {
        i++;
    }
    struct point *point = &plan->points[i];
    uint64_t every = point->every, call = ++point->calls;
    if (every == 0 || call % every != 0) {
        return 0;
    }
    point->failed++;
    *failinfo = (void *)(uintptr_t)point->error;
    return 1;
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULTS_PLAN");
    if (path == NULL) {
        return;
    }
    if (realpath(getenv("FAULTS_DATA"), data) == NULL ||
        realpath(getenv("FAULTS_KEPT"), kept) == NULL) {
        give_up("FAULTS_DATA, FAULTS_KEPT");
    }
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || syscall(SYS_ftruncate, fd, sizeof *plan) != 0) {
        give_up(path);
    }
    plan = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (plan == MAP_FAILED || fiu_init(0) != 0) {
        give_up(path);
    }
    for (int i = 0; i < POINTS; i++) {
        if (fiu_enable_external(POINT[i], 1, NULL, 0, fails) != 0) {
            give_up(POINT[i]);
        }
    }
}

// The number of a file of the log; -1 for any other one.
static int number_at(const char *path) {
    size_t length = strlen(data);
    if (plan == NULL || strncmp(path, data, length) != 0 || path[length] != '/') {
        return -1;
    }
    for (int i = 0; i < FILES; i++) {
        if (strcmp(path + length + 1, FILE_NAME[i]) == 0) {
            return i;
        }
    }
    return -1;
}

static int number_of(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = 0;
    return number_at(path);
}

static const char *kept_path(int number) {
    static char path[8192];
    snprintf(path, sizeof path, "%s/%s", kept, FILE_NAME[number]);
    return path;
}

static int open_kept(int number) {
    const char *path = kept_path(number);
    int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
        give_up(path);
    }
    return fd;
}

// Copies what was written. What was never kept before it reads as zeros, as new blocks do.
static void keep(int number, int from) {
    static char bytes[1 << 16];
    struct file *file = &plan->files[number];
    int to = open_kept(number);
    for (uint64_t i = 0; i < file->ranges; i++) {
        struct range range = file->written[i];
        while (range.bytes > 0) {
            size_t wanted = range.bytes < sizeof bytes ? range.bytes : sizeof bytes;
            ssize_t got = syscall(SYS_pread64, from, bytes, wanted, range.at);
            if (got <= 0) {
                break; // cut off since
            }
            if (syscall(SYS_pwrite64, to, bytes, got, range.at) != got) {
                give_up("pwrite64");
            }
            range.at += got;
            range.bytes -= got;
        }
    }
    syscall(SYS_close, to);
}

ssize_t pwrite64(int fd, const void *from, size_t bytes, off64_t at) {
    ssize_t (*next)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
    int number = number_of(fd);
    if (number < 0) {
        return next(fd, from, bytes, at);
    }
    pthread_mutex_lock(&lock);
    struct file *file = &plan->files[number];
    if (file->ranges == MOST) {
        give_up("too much was written without an fsync");
    }
    // Noted first: who is killed in between has nothing written that is not noted.
    struct range *range = &file->written[file->ranges++];
    *range = (struct range){.at = at, .bytes = bytes};
    ssize_t done = next(fd, from, bytes, at);
    int error = errno;
    range->bytes = done < 0 ? 0 : done;
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int fsync(int fd) {
    int (*next)(int) = dlsym(RTLD_NEXT, "fsync");
    int number = number_of(fd);
    if (number < 0) {
        return next(fd);
    }
    pthread_mutex_lock(&lock);
    int result = next(fd), error = errno;
    if (result == 0) {
        keep(number, fd);
    }
    plan->files[number].ranges = 0;
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int ftruncate64(int fd, off64_t bytes) {
    int (*next)(int, off64_t) = dlsym(RTLD_NEXT, "ftruncate64");
    int number = number_of(fd);
    if (number < 0) {
        return next(fd, bytes);
    }
    pthread_mutex_lock(&lock);
    int result = next(fd, bytes), error = errno, to = open_kept(number);
    struct stat now;
    if (result == 0 && fstat(to, &now) == 0 && now.st_size > bytes &&
        syscall(SYS_ftruncate, to, bytes) != 0) {
        give_up("ftruncate");
    }
    syscall(SYS_close, to);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int unlink(const char *path) {
    int (*next)(const char *) = dlsym(RTLD_NEXT, "unlink");
    int number = number_at(path);
    if (number < 0) {
        return next(path);
    }
    pthread_mutex_lock(&lock);
    int result = next(path), error = errno;
    if (result == 0) {
        syscall(SYS_unlinkat, AT_FDCWD, kept_path(number), 0);
        plan->files[number].ranges = 0;
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

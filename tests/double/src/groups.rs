//! Persistent subscriptions: groups of consumers, and the server remembers how far they came.

mod group;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub(crate) use self::group::{Consumer, Fate, Group, GroupSettings, Start};

/// What a group reads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    All,
    Stream(String),
}

impl Source {
    /// As a stream's name.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::All => "$all",
            Self::Stream(name) => name,
        }
    }
}

/// All groups of a cluster.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    groups: Mutex<HashMap<(Source, String), Arc<Group>>>,
}

impl Groups {
    /// Makes a group. Gives whether there was none of that name.
    pub(crate) fn create(&self, source: Source, name: String, group: Group) -> bool {
        let mut groups = self.groups();
        let free = !groups.contains_key(&(source.clone(), name.clone()));
        if free {
            groups.insert((source, name), Arc::new(group));
        }
        free
    }

    pub(crate) fn find(&self, source: &Source, name: &str) -> Option<Arc<Group>> {
        self.groups().get(&(source.clone(), name.to_owned())).cloned()
    }

    /// Deletes a group; its consumers are dropped. Gives whether there was one.
    pub(crate) fn delete(&self, source: &Source, name: &str) -> bool {
        let removed = self.groups().remove(&(source.clone(), name.to_owned()));
        removed.inspect(|group| group.close()).is_some()
    }

    fn groups(&self) -> MutexGuard<'_, HashMap<(Source, String), Arc<Group>>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

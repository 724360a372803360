//! What a server answers with at the moment, which can change while it does.

use std::sync::Arc;

use axum::{Router, extract::Request};
use tokio::sync::watch;
use tower::ServiceExt as _;

use crate::{app::App, app::router, connections::Connections, hosts::Hosts, waiting};

/// What a server answers with; its clones are one.
///
/// Connections stay open when it changes, and who asks meanwhile is answered by the one or the
/// other.
#[derive(Clone, Debug)]
pub struct Stage {
    now: watch::Sender<Now>,
    hosts: Arc<Hosts>,
    connections: Arc<Connections>,
}

#[derive(Clone, Debug)]
struct Now {
    router: Router,
    /// `None`: there is nothing to tell of.
    app: Option<App>,
}

impl Now {
    fn of(app: App, hosts: &Arc<Hosts>, connections: &Arc<Connections>) -> Self {
        let app = app.counting(Arc::clone(connections));
        Self { router: router(app.clone(), hosts), app: Some(app) }
    }
}

impl Stage {
    /// A log and its read models, under these names, for so many connections at once.
    pub fn of(app: App, hosts: Hosts, connections: usize) -> Self {
        let (hosts, connections) = (Arc::new(hosts), Arc::new(Connections::new(connections)));
        let now = Now::of(app, &hosts, &connections);
        Self { now: watch::Sender::new(now), hosts, connections }
    }

    /// Nothing but that the server is alive and not ready, because of `why`.
    pub fn empty(why: &str, hosts: Hosts, connections: usize) -> Self {
        let (hosts, connections) = (Arc::new(hosts), Arc::new(Connections::new(connections)));
        let now = Now { router: waiting::router(why, &hosts), app: None };
        Self { now: watch::Sender::new(now), hosts, connections }
    }

    /// Answers nothing any more but that the server is alive and not ready, because of `why`; ends what would
    /// go on for ever of what was there before.
    pub fn withhold(&self, why: &str) {
        self.shutdown();
        let router = waiting::router(why, &self.hosts);
        self.now.send_replace(Now { router, app: None });
    }

    pub(crate) fn connections(&self) -> &Connections {
        &self.connections
    }

    /// Answers with this from now on; ends what would go on for ever of what was there before.
    pub fn show(&self, app: App) {
        self.shutdown();
        self.now.send_replace(Now::of(app, &self.hosts, &self.connections));
    }

    /// Ends what would go on for ever.
    pub(crate) fn shutdown(&self) {
        if let Some(app) = &self.now.borrow().app {
            app.shutdown();
        }
    }

    /// A service that answers with whatever is there when it is asked.
    pub(crate) fn router(&self) -> Router {
        let stage = self.now.subscribe();
        Router::new().fallback(move |request: Request| {
            let router = stage.borrow().router.clone();
            router.oneshot(request)
        })
    }
}

//! What a server answers with at the moment, which can change while it does.

use std::sync::Arc;

use axum::{Router, extract::Request};
use tokio::sync::watch;
use tower::ServiceExt as _;

use crate::{app::App, app::router, hosts::Hosts, waiting};

/// What a server answers with; its clones are one.
///
/// Connections stay open when it changes, and who asks meanwhile is answered by the one or the
/// other.
#[derive(Clone, Debug)]
pub struct Stage {
    now: watch::Sender<Now>,
    hosts: Arc<Hosts>,
}

#[derive(Clone, Debug)]
struct Now {
    router: Router,
    /// `None`: there is nothing to tell of.
    app: Option<App>,
}

impl Now {
    fn of(app: App, hosts: &Arc<Hosts>) -> Self {
        Self { router: router(app.clone(), hosts), app: Some(app) }
    }
}

impl Stage {
    /// A log and its read models, under these names.
    pub fn of(app: App, hosts: Hosts) -> Self {
        let hosts = Arc::new(hosts);
        Self { now: watch::Sender::new(Now::of(app, &hosts)), hosts }
    }

    /// Nothing but that the server is alive and not ready, because of `why`.
    pub fn empty(why: &str, hosts: Hosts) -> Self {
        let hosts = Arc::new(hosts);
        let now = Now { router: waiting::router(why, &hosts), app: None };
        Self { now: watch::Sender::new(now), hosts }
    }

    /// Answers with this from now on; ends what would go on for ever of what was there before.
    pub fn show(&self, app: App) {
        self.shutdown();
        self.now.send_replace(Now::of(app, &self.hosts));
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

//! What a server answers with at the moment, which can change while it does.

use axum::{Router, extract::Request};
use tokio::sync::watch;
use tower::ServiceExt as _;

use crate::{app::App, app::router, waiting};

/// What a server answers with; its clones are one.
///
/// Connections stay open when it changes, and who asks meanwhile is answered by the one or the
/// other.
#[derive(Clone, Debug)]
pub struct Stage(watch::Sender<Now>);

#[derive(Clone, Debug)]
struct Now {
    router: Router,
    /// `None`: there is nothing to tell of.
    app: Option<App>,
}

impl Now {
    fn of(app: App) -> Self {
        Self { router: router(app.clone()), app: Some(app) }
    }
}

impl Stage {
    /// A log and its read models.
    pub fn of(app: App) -> Self {
        Self(watch::Sender::new(Now::of(app)))
    }

    /// Nothing but that the server is alive and not ready, because of `why`.
    pub fn empty(why: &str) -> Self {
        Self(watch::Sender::new(Now { router: waiting::router(why), app: None }))
    }

    /// Answers with this from now on; ends what would go on for ever of what was there before.
    pub fn show(&self, app: App) {
        self.shutdown();
        self.0.send_replace(Now::of(app));
    }

    /// Ends what would go on for ever.
    pub(crate) fn shutdown(&self) {
        if let Some(app) = &self.0.borrow().app {
            app.shutdown();
        }
    }

    /// A service that answers with whatever is there when it is asked.
    pub(crate) fn router(&self) -> Router {
        let stage = self.0.subscribe();
        Router::new().fallback(move |request: Request| {
            let router = stage.borrow().router.clone();
            router.oneshot(request)
        })
    }
}

//! Which database a plugin gets, and what it has of it.

use std::sync::Arc;
use std::time::Duration;

use mm_sql::{SqlConnection, SqlDriver, SqlFailure};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A database that may come later: a server offers its own when it activates the plugin, whose process runs by then. Until it is
/// there connections wait for it. Cheap to clone.
#[derive(Clone)]
pub struct LateSql {
    driver: Arc<watch::Sender<Option<Arc<dyn SqlDriver>>>>,
    /// The connections that there are, so that an end can wait until they are given back.
    sessions: TaskTracker,
    /// Those of one process.
    of_process: TaskTracker,
    ending: CancellationToken,
}

impl LateSql {
    /// One that waits for [`LateSql::set`].
    pub fn new() -> Self {
        Self::with(None)
    }

    fn with(driver: Option<Arc<dyn SqlDriver>>) -> Self {
        Self {
            driver: Arc::new(watch::Sender::new(driver)),
            sessions: TaskTracker::new(),
            of_process: TaskTracker::new(),
            ending: CancellationToken::new(),
        }
    }

    /// One that says why there is no database.
    pub fn none(why: impl Into<String>) -> Self {
        Self::from(Arc::new(NoSql(why.into())) as Arc<dyn SqlDriver>)
    }

    /// Sets what it is; the last one counts.
    pub fn set(&self, driver: Arc<dyn SqlDriver>) {
        self.driver.send_replace(Some(driver));
    }

    /// Says why there is none.
    pub fn set_none(&self, why: impl Into<String>) {
        self.set(Arc::new(NoSql(why.into())));
    }

    /// Cancels what runs, rolls back what is not committed, gives all connections back, and gives out none any more. Waits for it,
    /// `limit` at most.
    pub async fn end(&self, limit: Duration) {
        self.ending.cancel();
        // Others may begin all the same.
        self.sessions.close();
        let _ = tokio::time::timeout(limit, self.sessions.wait()).await;
    }

    /// The same database for one process, to wait for the connections of just that.
    pub(crate) fn of_process(&self) -> Self {
        Self { of_process: TaskTracker::new(), ..self.clone() }
    }

    /// Waits until the connections of this process are given back, `limit` at most: its end ends them.
    pub(crate) async fn wait(&self, limit: Duration) {
        self.of_process.close();
        let _ = tokio::time::timeout(limit, self.of_process.wait()).await;
    }

    /// Runs what owns a connection; nothing ends it but itself.
    pub(super) fn spawn(&self, session: impl Future<Output = ()> + Send + 'static) {
        self.sessions.spawn(self.of_process.track_future(session));
    }

    /// Done when all connections are to be given back.
    pub(super) async fn ending(&self) {
        self.ending.cancelled().await;
    }

    /// Waits for the database.
    pub(super) async fn get(&self) -> Arc<dyn SqlDriver> {
        let mut driver = self.driver.subscribe();
        let found = driver.wait_for(Option::is_some).await.ok().and_then(|it| it.clone());
        found.unwrap_or_else(|| Arc::new(NoSql("the host is ending".to_owned())))
    }
}

impl Default for LateSql {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Arc<dyn SqlDriver>> for LateSql {
    fn from(driver: Arc<dyn SqlDriver>) -> Self {
        Self::with(Some(driver))
    }
}

struct NoSql(String);

#[async_trait::async_trait]
impl SqlDriver for NoSql {
    async fn connect(&self, _: bool) -> Result<Box<dyn SqlConnection>, SqlFailure> {
        Err(SqlFailure::lost(&*self.0))
    }
}

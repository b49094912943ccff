//! The plugin API, perhaps not there yet: a server hands it out when it activates the plugin, and Python is started before.

use std::sync::Arc;

use mm_proto::PluginApi;
use mm_proto::grpc::ApiService;
use tokio::sync::SetOnce;

/// A place for the plugin API. What is called before it is filled waits. Clones are the same place.
#[derive(Clone, Default)]
pub struct LateApi {
    service: Arc<SetOnce<ApiService>>,
}

impl LateApi {
    /// An empty place.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets calls through to `api`, those that wait first. Once filled it stays as it is.
    pub fn fill(&self, api: Arc<dyn PluginApi>) {
        // A second API is refused, and there is nobody whom that would help to know.
        let _ = self.service.set(ApiService::new(api));
    }

    /// What serves calls, if it is there.
    pub(super) fn get(&self) -> Option<ApiService> {
        self.service.get().cloned()
    }

    /// What serves calls, once it is there.
    pub(super) async fn wait(&self) -> ApiService {
        self.service.wait().await.clone()
    }
}

impl From<Arc<dyn PluginApi>> for LateApi {
    fn from(api: Arc<dyn PluginApi>) -> Self {
        let late = Self::new();
        late.fill(api);
        late
    }
}

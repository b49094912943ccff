//! What a plugin may call: the list `permissions` of its manifest, enforced for every call that its process makes.
//!
//! Names and what is behind them are generated (`mm_proto::PERMISSIONS`, `docs/reference/permissions.md`). A manifest without the list
//! may do all, as a Go plugin; one with an empty list may do what is always allowed. The check is one bit per method, looked up before
//! anything of the call is read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mm_proto::grpc::ApiService;
use mm_proto::{API_METHODS, ApiError, MethodInfo, PERMISSIONS, SERVICE_PERMISSIONS};
use serde::{Deserialize, Deserializer};
use tonic::Status;
use tonic::server::NamedService;

use crate::log::{LogLevel, LogRecord, LogSink, LogSource};

/// The id of the `AppError` that a refused call is answered with. No server has it, so it tells our refusals from a server's.
pub const PERMISSION_ERROR: &str = "plugin_api.permission";

/// The HTTP status of that error.
const FORBIDDEN: i64 = 403;

/// How alike a name must be to be offered for an unknown one.
const ALIKE: f64 = 0.75;

/// Machine words for a bit per API method.
const WORDS: usize = API_METHODS.len().div_ceil(64);

/// What a plugin may call. Cheap to clone; clones remember together what was logged.
#[derive(Clone, Debug, Default)]
pub(crate) struct Permissions {
    /// `None`: everything.
    granted: Option<Arc<Granted>>,
}

#[derive(Debug)]
struct Granted {
    /// A bit per row of [`API_METHODS`].
    methods: [u64; WORDS],
    /// A flag per row of [`SERVICE_PERMISSIONS`].
    services: Vec<bool>,
    /// What was refused before: a method or, behind all of them, a service.
    refused: Vec<AtomicBool>,
}

/// A call that is not allowed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Refusal {
    /// The Go name of the method, or the name of a service.
    what: &'static str,
    permission: &'static str,
    /// Whether it is the first of its kind.
    first: bool,
}

impl Permissions {
    /// Those of a manifest's list.
    ///
    /// # Errors
    /// What is wrong with a name in it, with the names that may have been meant.
    pub(crate) fn of(list: Option<&[String]>) -> Result<Self, String> {
        let Some(list) = list else { return Ok(Self::default()) };
        if let Some((_, why)) = problem(list) {
            return Err(why);
        }
        let has = |permission: &str| list.iter().any(|it| it == permission);
        let mut methods = [0; WORDS];
        for (index, _) in API_METHODS.iter().enumerate().filter(|(_, it)| it.permission.is_none_or(has)) {
            methods[index / 64] |= 1 << (index % 64);
        }
        let services: Vec<bool> = SERVICE_PERMISSIONS.iter().map(|(_, permission)| has(permission)).collect();
        let refused = (0..API_METHODS.len() + services.len()).map(|_| AtomicBool::new(false)).collect();
        Ok(Self { granted: Some(Arc::new(Granted { methods, services, refused })) })
    }

    /// Why the call of this path (`/service/method`) is not allowed; `None` when it is.
    pub(crate) fn refuses(&self, path: &str) -> Option<Refusal> {
        let granted = self.granted.as_ref()?;
        let (service, method) = path.strip_prefix('/')?.split_once('/')?;
        let (index, what, permission) = if service == ApiService::NAME {
            // A method that this version does not have is answered so by the API.
            let index = MethodInfo::position(method)?;
            if granted.methods[index / 64] >> (index % 64) & 1 == 1 {
                return None;
            }
            (index, API_METHODS[index].go, API_METHODS[index].permission?)
        } else {
            let index = SERVICE_PERMISSIONS.iter().position(|(name, _)| *name == service)?;
            if granted.services[index] {
                return None;
            }
            let (name, permission) = SERVICE_PERMISSIONS[index];
            (API_METHODS.len() + index, name, permission)
        };
        let first = !granted.refused[index].swap(true, Ordering::Relaxed);
        Some(Refusal { what, permission, first })
    }
}

impl Refusal {
    /// The record of the first such call.
    pub(crate) fn log(&self, sink: &LogSink) {
        if !self.first {
            return;
        }
        let Self { what, permission, .. } = self;
        let text = format!(
            "{what} was refused, since the plugin does not have the permission {permission}: if it should, add \"{permission}\" to \
             \"permissions\" in its manifest (further refusals of {what} are not logged)"
        );
        let mut record = LogRecord::new(LogLevel::Warn, LogSource::Host, text);
        record.fields.insert("method".to_owned(), (*what).to_owned());
        record.fields.insert("permission".to_owned(), (*permission).to_owned());
        sink(record);
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let permission = refusal.permission;
        let message = format!(
            "the plugin does not have the permission {permission}: add \"{permission}\" to \"permissions\" in its manifest"
        );
        let error = ApiError::app(PERMISSION_ERROR, message, FORBIDDEN, refusal.what);
        match error {
            // Programs read the name here.
            ApiError::App(mut error) => {
                permission.clone_into(&mut error.detailed_error);
                ApiError::App(error).into()
            }
            other => other.into(),
        }
    }
}

/// The first name in a manifest's list that there is not: its place, and what is wrong with it.
pub(crate) fn problem(list: &[String]) -> Option<(usize, String)> {
    let known = |name: &str| PERMISSIONS.iter().any(|it| it.name == name);
    let (place, name) = list.iter().enumerate().find(|(_, it)| !known(it))?;
    let mut alike: Vec<(f64, &str)> = PERMISSIONS
        .iter()
        .map(|it| (strsim::jaro_winkler(it.name, &name.to_lowercase()), it.name))
        .filter(|(alike, _)| *alike >= ALIKE)
        .collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    let alike: Vec<&str> = alike.into_iter().take(3).map(|(_, it)| it).collect();
    let offer = match alike.as_slice() {
        [] => "docs/reference/permissions.md lists them".to_owned(),
        names => format!("did you mean {}?", names.join(" or ")),
    };
    Some((place, format!("{name:?} is no permission: {offer}")))
}

/// Reads the list. Nothing in its place is a mistake: it would mean everything.
pub(crate) fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    Vec::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tonic::Code;

    use super::*;

    fn permissions(names: &[&str]) -> Permissions {
        let names: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
        Permissions::of(Some(&names)).unwrap()
    }

    fn path(method: &str) -> String {
        format!("/{}/{method}", ApiService::NAME)
    }

    const SQL: &str = "/mattermost.host.v1.PluginSql/Session";

    #[test]
    fn each_method_is_allowed_by_its_permission_and_by_no_other() {
        let none = permissions(&[]);
        for method in API_METHODS {
            let path = path(method.go);
            assert!(Permissions::default().refuses(&path).is_none(), "no list means everything");
            let refused = none.refuses(&path).map(|it| it.permission);
            assert_eq!(refused, method.permission, "{}: an empty list leaves what is always allowed", method.go);
            let Some(needed) = method.permission else { continue };
            assert!(permissions(&[needed]).refuses(&path).is_none(), "{}", method.go);
            let others: Vec<&str> = PERMISSIONS.iter().map(|it| it.name).filter(|it| *it != needed).collect();
            assert_eq!(permissions(&others).refuses(&path).unwrap().permission, needed, "{}", method.go);
        }
    }

    #[test]
    fn each_permission_has_something_behind_it_and_words() {
        for permission in PERMISSIONS {
            let methods = API_METHODS.iter().any(|it| it.permission == Some(permission.name));
            let services = SERVICE_PERMISSIONS.iter().any(|(_, it)| *it == permission.name);
            assert!(methods || services, "{}", permission.name);
            assert!(!permission.doc.is_empty(), "{}", permission.name);
        }
        let needed = API_METHODS.iter().filter_map(|it| it.permission);
        for name in needed.chain(SERVICE_PERMISSIONS.iter().map(|(_, it)| *it)) {
            assert!(PERMISSIONS.binary_search_by(|it| it.name.cmp(name)).is_ok(), "{name}");
        }
    }

    #[test]
    fn the_database_is_a_permission_too() {
        assert!(Permissions::default().refuses(SQL).is_none());
        assert_eq!(permissions(&["posts.read"]).refuses(SQL).unwrap().permission, "database");
        assert!(permissions(&["database"]).refuses(SQL).is_none());
    }

    #[test]
    fn what_is_no_method_of_the_api_is_not_judged() {
        let none = permissions(&[]);
        for path in [path("NoSuchMethod").as_str(), "/mattermost.host.v1.PluginHost/Hello", "", "/", "nonsense"] {
            assert!(none.refuses(path).is_none(), "{path}");
        }
    }

    #[test]
    fn a_refusal_is_logged_once_and_names_the_line_to_add() {
        let (none, logged) = (permissions(&[]), Arc::new(Mutex::new(Vec::new())));
        let sink: LogSink = {
            let logged = logged.clone();
            Arc::new(move |it| logged.lock().unwrap().push(it))
        };
        for method in ["CreatePost", "CreatePost", "DeletePost", "CreatePost"] {
            // A process that is started again shares it.
            none.clone().refuses(&path(method)).unwrap().log(&sink);
        }
        let logged = logged.lock().unwrap();
        let methods: Vec<&str> = logged.iter().map(|it| it.fields["method"].as_str()).collect();
        assert_eq!(methods, ["CreatePost", "DeletePost"]);
        assert!(logged[0].message.contains("add \"posts.write\" to \"permissions\""), "{}", logged[0].message);
    }

    #[test]
    fn the_status_is_a_403_that_no_server_sends() {
        let status = Status::from(permissions(&[]).refuses(&path("CreatePost")).unwrap());
        assert_eq!(status.code(), Code::PermissionDenied);
        let ApiError::App(error) = ApiError::from(status) else { panic!("no AppError") };
        assert_eq!((error.id.as_str(), error.status_code), (PERMISSION_ERROR, 403));
        assert_eq!((error.detailed_error.as_str(), error.r#where.as_str()), ("posts.write", "CreatePost"));
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        let problem = |name: &str| problem(&["users.read".to_owned(), name.to_owned()]).unwrap();
        assert_eq!(problem("post.write").0, 1);
        assert!(problem("post.write").1.contains("did you mean posts.write"), "{}", problem("post.write").1);
        assert!(problem("Users.Write").1.contains("did you mean users.write"));
        assert!(problem("xyzzy").1.contains("docs/reference/permissions.md"));
        assert!(Permissions::of(Some(&["post.write".to_owned()])).is_err());
    }
}

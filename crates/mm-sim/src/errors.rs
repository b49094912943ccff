//! Errors with Mattermost's ids and status codes. The texts are our own.

use mm_proto::ApiError;
use mm_proto::plugin::v1;

pub(crate) type Result<T, E = ApiError> = std::result::Result<T, E>;

pub(crate) const BAD_REQUEST: i64 = 400;
pub(crate) const FORBIDDEN: i64 = 403;
pub(crate) const NOT_FOUND: i64 = 404;
pub(crate) const INTERNAL: i64 = 500;
pub(crate) const NOT_IMPLEMENTED: i64 = 501;

/// The id that Mattermost gives when a user does not exist.
pub(crate) const MISSING_ACCOUNT: &str = "app.user.missing_account.const";

/// An `AppError`: where it happened (Mattermost's name of the function), its id, the HTTP status and a text for people.
pub(crate) fn app(place: &str, id: &str, status: i64, message: impl Into<String>) -> ApiError {
    app_with(place, id, status, message, "")
}

/// As [`app`], with details such as `id=…`.
pub(crate) fn app_with(
    place: &str,
    id: &str,
    status: i64,
    message: impl Into<String>,
    detail: impl Into<String>,
) -> ApiError {
    ApiError::App(v1::AppError {
        id: id.to_owned(),
        message: message.into(),
        detailed_error: detail.into(),
        status_code: status,
        r#where: place.to_owned(),
        ..Default::default()
    })
}

/// A plain Go error: a text and nothing else.
pub(crate) fn plain(message: impl Into<String>) -> ApiError {
    ApiError::Plain(v1::ErrorValue { message: message.into(), ..Default::default() })
}

/// What a method answers that the simulator does not have, or not in this case.
pub(crate) fn not_simulated(method: &str, what: &str) -> ApiError {
    app(method, "sim.not_simulated.app_error", NOT_IMPLEMENTED, format!("The simulator does not simulate {what}."))
}

/// A user who does not exist.
pub(crate) fn no_user(place: &str, user_id: &str) -> ApiError {
    app_with(place, MISSING_ACCOUNT, NOT_FOUND, "There is no user with this id or name.", format!("id={user_id}"))
}

/// A channel that does not exist.
pub(crate) fn no_channel(place: &str, channel_id: &str) -> ApiError {
    app_with(
        place,
        "app.channel.get.existing.app_error",
        NOT_FOUND,
        "There is no channel with this id.",
        format!("id={channel_id}"),
    )
}

/// A team that does not exist.
pub(crate) fn no_team(place: &str, team_id: &str) -> ApiError {
    app_with(place, "app.team.get.find.app_error", NOT_FOUND, "There is no team with this id.", format!("id={team_id}"))
}

/// A post that does not exist or is deleted.
pub(crate) fn no_post(place: &str, post_id: &str) -> ApiError {
    app_with(place, "app.post.get.app_error", NOT_FOUND, "There is no post with this id.", format!("id={post_id}"))
}

/// A user who may not do what was asked: the error of the REST API.
pub(crate) fn no_permission(user_id: &str, permission: &str) -> ApiError {
    app_with(
        "Permissions",
        "api.context.permissions.app_error",
        FORBIDDEN,
        "You do not have the permission to do this.",
        format!("userId={user_id}, permission={permission}"),
    )
}

/// A parameter that is not acceptable: the error of the REST API.
pub(crate) fn bad_param(place: &str, name: &str) -> ApiError {
    app(
        place,
        "api.context.invalid_param.app_error",
        BAD_REQUEST,
        format!("The parameter {name} is missing or not valid."),
    )
}

/// The same error with another HTTP status.
pub(crate) fn with_status(error: ApiError, status: i64) -> ApiError {
    match error {
        ApiError::App(mut app) => {
            app.status_code = status;
            ApiError::App(app)
        }
        other => other,
    }
}

/// One line of text for logs.
pub(crate) fn text(error: &ApiError) -> String {
    match error {
        ApiError::App(app) if app.detailed_error.is_empty() => format!("{}: {} ({})", app.r#where, app.message, app.id),
        ApiError::App(app) => format!("{}: {}, {} ({})", app.r#where, app.message, app.detailed_error, app.id),
        ApiError::Plain(error) => error.message.clone(),
        ApiError::Transport(status) => status.to_string(),
    }
}

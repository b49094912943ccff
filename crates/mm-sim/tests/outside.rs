//! What happens to a server from outside its channels: logins by SAML, the directory, licences, jobs, mails, the support packet.

mod common;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use common::{PLUGIN, anna, api, app_error, text};
use mm_proto::plugin::v1;
use mm_proto::{ApiError, PluginHooks};
use mm_sim::{PluginRegistration, Server};

/// A plugin with the hooks for it.
#[derive(Default)]
struct Watcher {
    seen: Mutex<Vec<String>>,
    /// What is still to be deleted.
    rows: Mutex<i64>,
}

impl Watcher {
    fn note(&self, text: impl Into<String>) {
        self.seen.lock().unwrap().push(text.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

#[async_trait]
impl PluginHooks for Watcher {
    async fn on_saml_login(&self, r: v1::OnSamlLoginRequest) -> Result<v1::OnSamlLoginResponse, ApiError> {
        let (user, assertion) = (r.user.unwrap(), r.assertion.unwrap());
        let groups = assertion.values.get("groups").map(|it| it.values.iter().map(|it| it.value.as_str()).collect());
        let groups: Vec<&str> = groups.unwrap_or_default();
        self.note(format!("saml {} {} {}", user.username, assertion.name_id, groups.join("+")));
        if groups.contains(&"blocked") { Err(ApiError::plain("blocked")) } else { Ok(v1::OnSamlLoginResponse {}) }
    }

    async fn user_will_log_in(&self, r: v1::UserWillLogInRequest) -> Result<v1::UserWillLogInResponse, ApiError> {
        let user = r.user.unwrap();
        self.note(format!("login {} by {}", user.username, user.auth_service));
        Ok(v1::UserWillLogInResponse::default())
    }

    async fn on_cloud_limits_updated(
        &self,
        r: v1::OnCloudLimitsUpdatedRequest,
    ) -> Result<v1::OnCloudLimitsUpdatedResponse, ApiError> {
        self.note(format!("limits {:?}", r.limits.unwrap().messages.unwrap().history));
        Ok(v1::OnCloudLimitsUpdatedResponse {})
    }

    async fn run_data_retention(
        &self,
        r: v1::RunDataRetentionRequest,
    ) -> Result<v1::RunDataRetentionResponse, ApiError> {
        let mut rows = self.rows.lock().unwrap();
        let result = (*rows).min(r.batch_size);
        *rows -= result;
        self.note(format!("deleted {result}"));
        Ok(v1::RunDataRetentionResponse { result })
    }

    async fn on_send_daily_telemetry(
        &self,
        _: v1::OnSendDailyTelemetryRequest,
    ) -> Result<v1::OnSendDailyTelemetryResponse, ApiError> {
        self.note("telemetry");
        Ok(v1::OnSendDailyTelemetryResponse {})
    }

    async fn generate_support_data(
        &self,
        _: v1::GenerateSupportDataRequest,
    ) -> Result<v1::GenerateSupportDataResponse, ApiError> {
        let file = v1::FileData { filename: "state.txt".into(), body: b"fine".to_vec().into() };
        Ok(v1::GenerateSupportDataResponse { files: vec![file] })
    }

    async fn on_install(&self, r: v1::OnInstallRequest) -> Result<v1::OnInstallResponse, ApiError> {
        self.note(format!("installed by {}", r.event.unwrap().user_id.len()));
        Ok(v1::OnInstallResponse {})
    }

    async fn email_notification_will_be_sent(
        &self,
        r: v1::EmailNotificationWillBeSentRequest,
    ) -> Result<v1::EmailNotificationWillBeSentResponse, ApiError> {
        let mail = r.email_notification.unwrap();
        let content = mail.email_notification_content.unwrap();
        let mut answer = v1::EmailNotificationWillBeSentResponse::default();
        if content.message_text.contains("secret") {
            answer.reason = "secrets are not for mails".into();
        } else if content.message_text.contains("urgent") {
            answer.email_notification_content =
                Some(v1::EmailNotificationContent { subject: "URGENT".into(), ..content });
        }
        Ok(answer)
    }
}

const HOOKS: [&str; 8] = [
    "OnSAMLLogin",
    "UserWillLogIn",
    "OnCloudLimitsUpdated",
    "RunDataRetention",
    "OnSendDailyTelemetry",
    "GenerateSupportData",
    "OnInstall",
    "EmailNotificationWillBeSent",
];

async fn start(props: &[&str]) -> (Server, Arc<Watcher>) {
    let server = Server::demo();
    let watcher = Arc::new(Watcher::default());
    let props = props.iter().map(|it| ((*it).to_owned(), text("yes"))).collect();
    let manifest = v1::Manifest { id: PLUGIN.into(), props, ..Default::default() };
    server.activate(PluginRegistration::new(manifest, watcher.clone(), HOOKS)).await.unwrap();
    (server, watcher)
}

#[tokio::test]
async fn a_login_by_saml_is_shown_to_the_plugin_which_may_refuse() {
    let (server, watcher) = start(&[]).await;
    let session = server.saml_login("anna", &[("groups", "staff"), ("groups", "sales")]).await.unwrap();
    assert_eq!(session.user_id, server.user("anna").unwrap().id);
    assert_eq!(watcher.take(), ["saml anna anna@example.com staff+sales", "login anna by saml"]);
    server.saml_login("dora", &[]).await.unwrap();
    assert_eq!(watcher.take(), ["saml dora dora@example.com ", "login dora by saml"], "who is new becomes a user");
    let error = server.saml_login("ben", &[("groups", "blocked")]).await.unwrap_err();
    assert_eq!(app_error(&error), ("api.user.saml.plugin_hook.app_error", 400));
    assert_eq!(watcher.take(), ["saml ben ben@example.com blocked"], "without a login");
}

#[tokio::test]
async fn the_directory_answers_for_who_is_in_it() {
    let (server, _) = start(&[]).await;
    server.set_ldap_attributes("anna", &[("department", "sales"), ("floor", "3")]).unwrap();
    let ask = async |name: &str| {
        let user_id = server.user(name).unwrap().id;
        let attributes = vec!["department".to_owned(), "phone".to_owned()];
        let request = v1::GetLdapUserAttributesRequest { user_id, attributes };
        api(&server).get_ldap_user_attributes(request).await.unwrap().result
    };
    assert_eq!(ask("anna").await, [("department".to_owned(), "sales".to_owned())].into());
    assert!(ask("ben").await.is_empty());
    let request = v1::GetLdapUserAttributesRequest { user_id: "nobody".into(), attributes: vec![] };
    assert_eq!(app_error(&api(&server).get_ldap_user_attributes(request).await.unwrap_err()).1, 404);
}

#[tokio::test]
async fn a_trial_is_given_once() {
    let (server, _) = start(&[]).await;
    let api = api(&server);
    assert!(api.get_license(v1::GetLicenseRequest {}).await.unwrap().license.is_none());
    let request = v1::RequestTrialLicenseRequest {
        requester_id: server.user("admin").unwrap().id,
        users: 50,
        terms_accepted: true,
        receive_emails_accepted: false,
    };
    for (wrong, id) in [
        (
            v1::RequestTrialLicenseRequest { terms_accepted: false, ..request.clone() },
            "api.license.request-trial.bad-request.terms-not-accepted",
        ),
        (v1::RequestTrialLicenseRequest { users: 0, ..request.clone() }, "api.license.request-trial.bad-request"),
    ] {
        assert_eq!(app_error(&api.request_trial_license(wrong).await.unwrap_err()), (id, 400));
    }
    api.request_trial_license(request.clone()).await.unwrap();
    let license = api.get_license(v1::GetLicenseRequest {}).await.unwrap().license.unwrap();
    assert!(license.is_trial && license.features.unwrap().users == Some(50));
    assert!(api.is_enterprise_ready(v1::IsEnterpriseReadyRequest {}).await.unwrap().result);
    assert_eq!(app_error(&api.request_trial_license(request).await.unwrap_err()).1, 403);
}

#[tokio::test]
async fn limits_and_jobs_reach_the_plugin() {
    let (server, watcher) = start(&[]).await;
    let limits = v1::ProductLimits { messages: Some(v1::MessagesLimits { history: Some(100) }), ..Default::default() };
    server.set_cloud_limits(limits).await;
    let known = api(&server).get_cloud_limits(v1::GetCloudLimitsRequest {}).await.unwrap().product_limits;
    assert_eq!((watcher.take(), known), (vec!["limits Some(100)".to_owned()], Some(limits)));

    *watcher.rows.lock().unwrap() = 7000;
    assert_eq!(server.run_data_retention().await, [(PLUGIN.to_owned(), 7000)].into());
    assert_eq!(watcher.take(), ["deleted 3000", "deleted 3000", "deleted 1000"]);
    server.send_daily_telemetry().await;
    server.complete_onboarding("admin", &[PLUGIN]).await.unwrap();
    assert_eq!(watcher.take(), ["telemetry", "installed by 26"]);
}

#[tokio::test]
async fn the_support_packet_has_the_plugins_files_unless_it_must_be_chosen() {
    let (always, _) = start(&[]).await;
    assert_eq!(always.support_packet(&[]).await[0].filename, "state.txt");
    let (chosen, _) = start(&["support_packet"]).await;
    assert!(chosen.support_packet(&[]).await.is_empty());
    assert_eq!(chosen.support_packet(&[PLUGIN]).await.len(), 1);
}

#[tokio::test]
async fn who_is_away_gets_a_mail_that_plugins_may_change_or_stop() {
    let (server, _) = start(&[]).await;
    let square = anna(&server).channel("town-square").unwrap();
    for message in ["hello @ben", "urgent: @ben", "a secret for @ben", "nobody here", "@anna to myself"] {
        anna(&server).post(&square.id, message).await.unwrap();
    }
    server.act_as("ben").unwrap().connect().await;
    anna(&server).post(&square.id, "you are there, @ben").await.unwrap();
    server.settle().await;
    let mails: Vec<_> = server.email_notifications().into_iter().map(|it| (it.to, it.content.subject)).collect();
    let subject = "[Mattermost] Notification in Town Square on Development".to_owned();
    assert_eq!(mails, [("ben@example.com".to_owned(), subject), ("ben@example.com".to_owned(), "URGENT".to_owned())]);
    assert!(server.logs().iter().any(|it| it.message == "A plugin cancelled a mail."));
}

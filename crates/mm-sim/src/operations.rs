//! What happens to a server from outside its channels: logins by SAML, a directory, licences, limits of a hosted plan, jobs, and the
//! support packet. There is no identity provider, no directory and no shop here: a test says what they would.

use std::collections::BTreeMap;

use mm_proto::plugin::v1;

use crate::errors::{self, BAD_REQUEST, FORBIDDEN, Result};
use crate::events::LogLevel;
use crate::hooks::call_hook;
use crate::server::Server;
use crate::users::sanitized;

/// How many rows a job of data retention deletes at a time.
const RETENTION_BATCH: i64 = 3000;
/// A plugin that has still not deleted everything after so many batches is left for the next run.
const MOST_BATCHES: usize = 1000;
/// How long a trial of a licence lasts, in milliseconds: 30 days.
const TRIAL: i64 = 30 * 24 * 60 * 60 * 1000;

/// What is outside the server, as far as it was told.
#[derive(Default)]
pub(crate) struct Outside {
    pub(crate) license: Option<v1::License>,
    pub(crate) limits: v1::ProductLimits,
    /// The directory: attributes by the users' `auth_data`.
    directory: BTreeMap<String, BTreeMap<String, String>>,
}

/// Logins and the directory.
impl Server {
    /// Logs a user in by SAML, with attributes of the assertion such as `("department", "sales")`. Who is new becomes a user. Hooks:
    /// `OnSAMLLogin`, whose error refuses the login, then those of every login.
    pub async fn saml_login(&self, username: &str, attributes: &[(&str, &str)]) -> Result<v1::Session> {
        let name = username.trim_start_matches('@');
        let user = match self.user(name) {
            Ok(user) => user,
            Err(_) => self.create_user(name).await?,
        };
        let name_id = user.email.clone();
        let user = self.set_auth(&user.id, "saml", &name_id)?;
        let assertion = assertion(&name_id, attributes, self.now(), self.new_id());
        let caller = self.caller();
        for listener in self.listeners("OnSAMLLogin") {
            let request = v1::OnSamlLoginRequest {
                context: caller.context(),
                user: Some(sanitized(&user)),
                assertion: Some(assertion.clone()),
            };
            let span = self.trace_hook(&listener, "OnSAMLLogin", &request);
            let result = listener.hooks.on_saml_login(request).await;
            if let Err(error) = &result {
                let detail = errors::text(error);
                let _ = self.finish_hook(&listener, "OnSAMLLogin", span, result);
                let id = "api.user.saml.plugin_hook.app_error";
                let message = "A plugin does not allow this login.";
                return Err(errors::app_with("completeSaml", id, BAD_REQUEST, message, detail));
            }
            let _ = self.finish_hook(&listener, "OnSAMLLogin", span, result);
        }
        self.log_in(&user.id).await
    }

    /// Puts a user into the directory: he logs in by LDAP from now on, and `GetLDAPUserAttributes` finds these attributes.
    pub fn set_ldap_attributes(&self, username: &str, attributes: &[(&str, &str)]) -> Result<()> {
        let user = self.user(username)?;
        self.set_auth(&user.id, "ldap", &user.username)?;
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.world().outside.directory.insert(user.username, attributes);
        Ok(())
    }

    fn set_auth(&self, user_id: &str, service: &str, data: &str) -> Result<v1::User> {
        let saved = {
            let mut world = self.world();
            let mut user = (**world.user("UpdateUserAuth", user_id)?).clone();
            user.auth_service = service.to_owned();
            user.auth_data = Some(data.to_owned());
            user.update_at = self.now();
            world.put_user(user)
        };
        Ok((*saved).clone())
    }

    /// The attributes of these names that the directory has; none for who does not log in by it.
    pub(crate) fn ldap_attributes(&self, user_id: &str, names: &[String]) -> Result<BTreeMap<String, String>> {
        let world = self.world();
        let user = world.user("GetLdapUserAttributes", user_id)?;
        let known = user.auth_data.as_ref().filter(|_| user.auth_service == "ldap");
        let known = known.and_then(|data| world.outside.directory.get(data)).cloned().unwrap_or_default();
        Ok(known.into_iter().filter(|(name, _)| names.contains(name)).collect())
    }
}

/// Licences and limits.
impl Server {
    /// The licence; none at first.
    pub fn license(&self) -> Option<v1::License> {
        self.world().outside.license.clone()
    }

    /// Gives the server a licence, or takes it away.
    pub fn set_license(&self, license: Option<v1::License>) {
        self.world().outside.license = license;
    }

    /// `RequestTrialLicense`: 30 days with everything, once.
    pub(crate) fn request_trial(&self, requester_id: &str, users: i64, terms_accepted: bool) -> Result<()> {
        let place = "RequestTrialLicense";
        let refuse = |status, id: &str, message: &str| Err(errors::app(place, id, status, message));
        if self.config_flag(|config| config.experimental_settings.as_ref()?.restrict_system_admin) {
            let id = "api.restricted_system_admin";
            return refuse(FORBIDDEN, id, "The administrator of this server may not do this.");
        }
        if !terms_accepted {
            let id = "api.license.request-trial.bad-request.terms-not-accepted";
            return refuse(BAD_REQUEST, id, "The terms must be accepted.");
        }
        if users == 0 {
            return refuse(BAD_REQUEST, "api.license.request-trial.bad-request", "The number of users is missing.");
        }
        let requester = (**self.world().user("GetUser", requester_id)?).clone();
        let (now, id) = (self.now(), self.new_id());
        let known = &mut self.world().outside.license;
        if known.is_some() {
            let id = "api.license.request-trial.can-start-trial.not-allowed";
            return refuse(FORBIDDEN, id, "This server has or had a licence already.");
        }
        *known = Some(trial(id, now, users, &requester));
        Ok(())
    }

    /// Sets the limits of a hosted plan; `OnCloudLimitsUpdated` is called.
    pub async fn set_cloud_limits(&self, limits: v1::ProductLimits) {
        self.world().outside.limits = limits;
        for listener in self.listeners("OnCloudLimitsUpdated") {
            let request = v1::OnCloudLimitsUpdatedRequest { limits: Some(limits) };
            let _ = call_hook!(self, listener, "OnCloudLimitsUpdated", on_cloud_limits_updated, request);
        }
    }
}

/// Jobs.
impl Server {
    /// Runs the job of data retention: `RunDataRetention` of every plugin, again while a whole batch was deleted. Gives how many rows
    /// each of them has deleted.
    pub async fn run_data_retention(&self) -> BTreeMap<String, i64> {
        let now_time = self.now();
        let mut deleted = BTreeMap::new();
        for listener in self.listeners("RunDataRetention") {
            let total = deleted.entry(listener.plugin_id.to_string()).or_default();
            for _ in 0..MOST_BATCHES {
                let request = v1::RunDataRetentionRequest { now_time, batch_size: RETENTION_BATCH };
                let answer = call_hook!(self, listener, "RunDataRetention", run_data_retention, request);
                let Some(answer) = answer else { break };
                *total += answer.result;
                if answer.result < RETENTION_BATCH {
                    break;
                }
            }
        }
        deleted
    }

    /// The day's report to Mattermost: `OnSendDailyTelemetry`. Nothing is sent anywhere.
    pub async fn send_daily_telemetry(&self) {
        for listener in self.listeners("OnSendDailyTelemetry") {
            let request = v1::OnSendDailyTelemetryRequest::default();
            let _ = call_hook!(self, listener, "OnSendDailyTelemetry", on_send_daily_telemetry, request);
        }
    }

    /// Makes a support packet: the files of `GenerateSupportData`. A plugin whose manifest has `support_packet` among its props is
    /// left out unless it is among the `chosen`, as in the console.
    pub async fn support_packet(&self, chosen: &[&str]) -> Vec<v1::FileData> {
        let context = self.caller().context();
        let mut files = Vec::new();
        for listener in self.listeners("GenerateSupportData") {
            let id = &*listener.plugin_id;
            let optional =
                self.world().plugins.get(id).is_some_and(|it| it.manifest.props.contains_key("support_packet"));
            if optional && !chosen.contains(&id) {
                continue;
            }
            let request = v1::GenerateSupportDataRequest { context: context.clone() };
            let answer = call_hook!(self, listener, "GenerateSupportData", generate_support_data, request);
            files.extend(answer.map(|answer| answer.files).unwrap_or_default());
        }
        files
    }

    /// The administrator finishes setting up the server and has chosen these plugins: `OnInstall` of each.
    pub async fn complete_onboarding(&self, user: &str, plugin_ids: &[&str]) -> Result<()> {
        let user_id = self.user(user)?.id;
        let caller = self.caller();
        for id in plugin_ids {
            let Some(listener) = self.listener_of(id, "OnInstall") else { continue };
            let request = v1::OnInstallRequest {
                context: caller.context(),
                event: Some(v1::OnInstallEvent { user_id: user_id.clone() }),
            };
            let span = self.trace_hook(&listener, "OnInstall", &request);
            let result = listener.hooks.on_install(request).await;
            let failure = result.as_ref().err().map(errors::text);
            let _ = self.finish_hook(&listener, "OnInstall", span, result);
            if let Some(error) = failure {
                let fields = [("plugin_id", (*id).to_owned()), ("error", error)];
                self.server_log(LogLevel::Warn, "A plugin was not told of its installation.", fields);
            }
        }
        Ok(())
    }
}

/// What an identity provider says of a user.
fn assertion(name_id: &str, attributes: &[(&str, &str)], now: i64, session: String) -> v1::AssertionInfo {
    let attribute = |name: &str, value: &str| v1::Attribute {
        name: name.to_owned(),
        name_format: "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified".to_owned(),
        values: vec![v1::AttributeValue { r#type: "xs:string".to_owned(), value: value.to_owned(), xml_name: None }],
        ..Default::default()
    };
    let mut values: BTreeMap<String, v1::Attribute> = BTreeMap::new();
    for (name, value) in attributes {
        let one = attribute(name, value);
        match values.get_mut(*name) {
            // A name that comes again is an attribute with several values.
            Some(known) => known.values.extend(one.values),
            None => drop(values.insert((*name).to_owned(), one)),
        }
    }
    let seconds = now.div_euclid(1000);
    let time = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let statement = v1::AttributeStatement { attributes: values.values().cloned().collect(), ..Default::default() };
    v1::AssertionInfo {
        name_id: name_id.to_owned(),
        values,
        warning_info: Some(v1::WarningInfo::default()),
        session_index: session.clone(),
        authn_instant: time(seconds),
        session_not_on_or_after: time(seconds + 8 * 3600),
        assertions: vec![v1::Assertion {
            version: "2.0".to_owned(),
            id: session,
            issue_instant: time(seconds),
            issuer: Some(v1::Issuer { value: "https://idp.example.com".to_owned(), ..Default::default() }),
            attribute_statement: Some(statement),
            signature_validated: true,
            ..Default::default()
        }],
        response_signature_validated: true,
    }
}

fn trial(id: String, now: i64, users: i64, requester: &v1::User) -> v1::License {
    let on = Some(true);
    v1::License {
        id,
        issued_at: now,
        starts_at: now,
        expires_at: now + TRIAL,
        customer: Some(v1::Customer {
            name: format!("{} {}", requester.first_name, requester.last_name).trim().to_owned(),
            email: requester.email.clone(),
            ..Default::default()
        }),
        features: Some(v1::Features {
            users: Some(users),
            ldap: on,
            ldap_groups: on,
            saml: on,
            cluster: on,
            data_retention: on,
            guest_accounts: on,
            enterprise_plugins: on,
            shared_channels: on,
            remote_cluster_service: on,
            future_features: on,
            ..Default::default()
        }),
        sku_name: "Mattermost Enterprise Advanced Trial".to_owned(),
        sku_short_name: "advanced".to_owned(),
        is_trial: true,
        ..Default::default()
    }
}

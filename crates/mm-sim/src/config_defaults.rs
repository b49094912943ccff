//! What a new Mattermost 11.6 has in its configuration, as far as a plugin can see it: settings that are false, 0 or empty are absent,
//! since they do not travel to plugins on a real server either.

#![allow(clippy::needless_update, reason = "upstream adds settings to sections that are complete today")]

use mm_proto::plugin::v1;

fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

/// The defaults of a new server.
pub(crate) fn defaults() -> v1::Config {
    v1::Config {
        service_settings: Some(v1::ServiceSettings {
            listen_address: text(":8065"),
            enable_link_previews: Some(true),
            enable_permalink_previews: Some(true),
            enable_security_fix_alert: Some(true),
            goroutine_health_threshold: Some(-1),
            enable_oauth_service_provider: Some(true),
            enable_incoming_webhooks: Some(true),
            enable_outgoing_webhooks: Some(true),
            outgoing_integration_requests_timeout: Some(30),
            tls_min_ver: text("1.2"),
            tls_strict_transport_max_age: Some(63072000),
            lets_encrypt_certificate_cache_file: text("./config/letsencrypt.cache"),
            read_timeout: Some(300),
            write_timeout: Some(300),
            idle_timeout: Some(60),
            maximum_login_attempts: Some(10),
            time_between_user_typing_updates_milliseconds: Some(5000),
            enable_cross_team_search: Some(true),
            enable_post_search: Some(true),
            enable_file_search: Some(true),
            minimum_hashtag_length: Some(3),
            enable_user_typing_messages: Some(true),
            enable_channel_viewed_messages: Some(true),
            enable_user_statuses: Some(true),
            cluster_log_timeout_milliseconds: Some(2000),
            enable_tutorial: Some(true),
            enable_onboarding_flow: Some(true),
            session_length_sso_in_days: Some(30),
            session_cache_in_minutes: Some(10),
            session_idle_timeout_in_minutes: Some(43200),
            enable_commands: Some(true),
            websocket_port: Some(80),
            websocket_secure_port: Some(443),
            webserver_mode: text("gzip"),
            enable_custom_emoji: Some(true),
            enable_emoji_picker: Some(true),
            enable_gif_picker: Some(true),
            experimental_enable_authentication_transfer: Some(true),
            post_edit_time_limit: Some(-1),
            experimental_enable_default_channel_leave_join_messages: Some(true),
            experimental_group_unread_channels: text("disabled"),
            disable_bots_when_owner_is_deactivated: Some(true),
            enable_desktop_landing_page: Some(true),
            enable_inline_latex: Some(true),
            local_mode_socket_location: text("/var/tmp/mattermost_local.socket"),
            aws_metering_timeout_seconds: Some(30),
            feature_flag_sync_interval_seconds: Some(30),
            thread_auto_follow: Some(true),
            collapsed_threads: text("always_on"),
            enable_custom_groups: Some(true),
            post_priority: Some(true),
            allow_persistent_notifications: Some(true),
            persistent_notification_interval_minutes: Some(5),
            persistent_notification_max_count: Some(6),
            persistent_notification_max_recipients: Some(5),
            allow_synced_drafts: Some(true),
            unique_emoji_reaction_limit_per_post: Some(50),
            refresh_post_stats_run_time: text("00:00"),
            enable_burn_on_read: Some(true),
            maximum_payload_size_bytes: Some(300000),
            maximum_url_length: Some(2048),
            scheduled_posts: Some(true),
            terminate_sessions_on_password_change: Some(true),
            extend_session_length_with_activity: Some(true),
            ..Default::default()
        }),
        team_settings: Some(v1::TeamSettings {
            max_users_per_team: Some(50),
            enable_join_leave_message_by_default: Some(true),
            enable_user_creation: Some(true),
            enable_custom_user_statuses: Some(true),
            enable_last_active_time: Some(true),
            restrict_direct_message: text("any"),
            user_status_away_timeout: Some(300),
            max_channels_per_team: Some(2000),
            max_notifications_per_channel: Some(1000),
            enable_confirm_notifications_to_channel: Some(true),
            experimental_view_archived_channels: Some(true),
            ..Default::default()
        }),
        sql_settings: Some(v1::SqlSettings {
            driver_name: text("postgres"),
            data_source: text(
                "postgres://mmuser:mostest@localhost/mattermost_test?sslmode=disable&connect_timeout=10&binary_parameters=yes",
            ),
            max_idle_conns: Some(50),
            max_open_conns: Some(100),
            conn_max_lifetime_milliseconds: Some(3600000),
            conn_max_idle_time_milliseconds: Some(300000),
            query_timeout: Some(30),
            migrations_statement_timeout_seconds: Some(100000),
            replica_monitor_interval_seconds: Some(5),
            ..Default::default()
        }),
        log_settings: Some(v1::LogSettings {
            enable_console: Some(true),
            console_level: text("DEBUG"),
            enable_file: Some(true),
            file_level: text("INFO"),
            enable_webhook_debugging: Some(true),
            enable_diagnostics: Some(true),
            console_json: Some(true),
            file_json: Some(true),
            max_field_size: Some(2048),
            enable_sentry: Some(true),
            ..Default::default()
        }),
        password_settings: Some(v1::PasswordSettings {
            minimum_length: Some(8),
            enable_forgot_link: Some(true),
            ..Default::default()
        }),
        file_settings: Some(v1::FileSettings {
            enable_file_attachments: Some(true),
            enable_mobile_upload: Some(true),
            enable_mobile_download: Some(true),
            driver_name: text("local"),
            extract_content: Some(true),
            amazon_s3_request_timeout_milliseconds: Some(30000),
            export_driver_name: text("local"),
            export_amazon_s3_request_timeout_milliseconds: Some(30000),
            max_file_size: Some(104857600),
            ..Default::default()
        }),
        email_settings: Some(v1::EmailSettings {
            enable_sign_up_with_email: Some(true),
            enable_sign_in_with_username: Some(true),
            send_email_notifications: Some(true),
            feedback_email: text("test@example.com"),
            reply_to_address: text("test@example.com"),
            push_notification_contents: text("full"),
            push_notification_buffer: Some(1000),
            email_batching_buffer_size: Some(256),
            email_batching_interval: Some(30),
            enable_preview_mode_banner: Some(true),
            email_notification_contents_type: text("full"),
            login_button_color: text("#0000"),
            login_button_border_color: text("#2389D7"),
            login_button_text_color: text("#2389D7"),
            enable_sign_in_with_email: Some(true),
            ..Default::default()
        }),
        rate_limit_settings: Some(v1::RateLimitSettings {
            per_sec: Some(10),
            max_burst: Some(100),
            memory_store_size: Some(10000),
            vary_by_remote_addr: Some(true),
            ..Default::default()
        }),
        privacy_settings: Some(v1::PrivacySettings {
            show_email_address: Some(true),
            show_full_name: Some(true),
            ..Default::default()
        }),
        support_settings: Some(v1::SupportSettings {
            terms_of_service_link: text("https://mattermost.com/pl/terms-of-use/"),
            privacy_policy_link: text("https://mattermost.com/pl/privacy-policy/"),
            about_link: text("https://mattermost.com/pl/about-mattermost"),
            help_link: text("https://mattermost.com/pl/help/"),
            report_a_problem_link: text("https://mattermost.com/pl/report-a-bug"),
            allow_download_logs: Some(true),
            custom_terms_of_service_re_acceptance_period: Some(365),
            enable_ask_community_link: Some(true),
            ..Default::default()
        }),
        announcement_settings: Some(v1::AnnouncementSettings {
            banner_color: text("#f2a93b"),
            banner_text_color: text("#333333"),
            allow_banner_dismissal: Some(true),
            admin_notices_enabled: Some(true),
            user_notices_enabled: Some(true),
            notices_url: text("https://notices.mattermost.com/"),
            notices_fetch_frequency: Some(3600),
            ..Default::default()
        }),
        theme_settings: Some(v1::ThemeSettings {
            enable_theme_selection: Some(true),
            default_theme: text("default"),
            allow_custom_themes: Some(true),
            ..Default::default()
        }),
        ldap_settings: Some(v1::LdapSettings {
            ldap_port: Some(389),
            maximum_login_attempts: Some(10),
            sync_interval_minutes: Some(60),
            query_timeout: Some(60),
            login_button_color: text("#0000"),
            login_button_border_color: text("#2389D7"),
            login_button_text_color: text("#2389D7"),
            ..Default::default()
        }),
        compliance_settings: Some(v1::ComplianceSettings { batch_size: Some(30000), ..Default::default() }),
        localization_settings: Some(v1::LocalizationSettings {
            default_server_locale: text("en"),
            default_client_locale: text("en"),
            ..Default::default()
        }),
        saml_settings: Some(v1::SamlSettings {
            verify: Some(true),
            encrypt: Some(true),
            login_button_color: text("#34a28b"),
            login_button_border_color: text("#2389D7"),
            login_button_text_color: text("#ffffff"),
            ..Default::default()
        }),
        native_app_settings: Some(v1::NativeAppSettings {
            app_download_link: text("https://mattermost.com/pl/download-apps"),
            android_app_download_link: text("https://mattermost.com/pl/android-app/"),
            ios_app_download_link: text("https://mattermost.com/pl/ios-app/"),
            ..Default::default()
        }),
        cache_settings: Some(v1::CacheSettings { cache_type: text("lru"), redis_db: Some(-1), ..Default::default() }),
        cluster_settings: Some(v1::ClusterSettings {
            use_ip_address: Some(true),
            enable_gossip_compression: Some(true),
            read_only_config: Some(true),
            gossip_port: Some(8074),
            ..Default::default()
        }),
        metrics_settings: Some(v1::MetricsSettings {
            listen_address: text(":8067"),
            enable_client_metrics: Some(true),
            enable_notification_metrics: Some(true),
            ..Default::default()
        }),
        experimental_settings: Some(v1::ExperimentalSettings {
            link_metadata_timeout_milliseconds: Some(5000),
            users_status_and_profile_fetching_poll_interval_milliseconds: Some(3000),
            ..Default::default()
        }),
        analytics_settings: Some(v1::AnalyticsSettings { max_users_for_statistics: Some(2500), ..Default::default() }),
        elasticsearch_settings: Some(v1::ElasticsearchSettings {
            connection_url: text("http://localhost:9200"),
            backend: text("elasticsearch"),
            username: text("elastic"),
            sniff: Some(true),
            post_index_replicas: Some(1),
            post_index_shards: Some(1),
            channel_index_replicas: Some(1),
            channel_index_shards: Some(1),
            user_index_replicas: Some(1),
            user_index_shards: Some(1),
            aggregate_posts_after_days: Some(365),
            posts_aggregator_job_start_time: text("03:00"),
            live_indexing_batch_size: Some(10),
            batch_size: Some(10000),
            request_timeout_seconds: Some(30),
            ..Default::default()
        }),
        data_retention_settings: Some(v1::DataRetentionSettings {
            message_retention_days: Some(365),
            file_retention_days: Some(365),
            boards_retention_days: Some(365),
            deletion_job_start_time: text("02:00"),
            batch_size: Some(3000),
            time_between_batches_milliseconds: Some(100),
            retention_ids_batch_size: Some(100),
            ..Default::default()
        }),
        message_export_settings: Some(v1::MessageExportSettings {
            export_format: text("actiance"),
            daily_run_time: text("01:00"),
            batch_size: Some(10000),
            ..Default::default()
        }),
        job_settings: Some(v1::JobSettings {
            run_jobs: Some(true),
            run_scheduler: Some(true),
            cleanup_jobs_threshold_days: Some(-1),
            cleanup_config_threshold_days: Some(-1),
            ..Default::default()
        }),
        plugin_settings: Some(v1::PluginSettings {
            enable: Some(true),
            enable_health_check: Some(true),
            enable_remote_marketplace: Some(true),
            automatic_prepackaged_plugins: Some(true),
            enable_marketplace: Some(true),
            ..Default::default()
        }),
        guest_accounts_settings: Some(v1::GuestAccountsSettings {
            allow_email_accounts: Some(true),
            ..Default::default()
        }),
        image_proxy_settings: Some(v1::ImageProxySettings { image_proxy_type: text("local"), ..Default::default() }),
        import_settings: Some(v1::ImportSettings { retention_days: Some(30), ..Default::default() }),
        export_settings: Some(v1::ExportSettings { retention_days: Some(30), ..Default::default() }),
        wrangler_settings: Some(v1::WranglerSettings { move_thread_max_count: Some(100), ..Default::default() }),
        connected_workspaces_settings: Some(v1::ConnectedWorkspacesSettings {
            max_posts_per_sync: Some(50),
            member_sync_batch_size: Some(20),
            ..Default::default()
        }),
        auto_translation_settings: Some(v1::AutoTranslationSettings {
            workers: Some(6),
            timeout_ms: Some(5000),
            ..Default::default()
        }),
        ..Default::default()
    }
}

//! Asks AWS, with its SDK for Rust. The only place that names the SDK and the only one that is asynchronous inside.
//!
//! Credentials, regions and endpoints are taken as every AWS tool takes them: from the environment, profiles, SSO, a
//! process, a web identity, a container or an instance
//! (<https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>); `AWS_ENDPOINT_URL` and
//! `AWS_ENDPOINT_URL_<SERVICE>` lead elsewhere
//! (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>), `HTTPS_PROXY` and `NO_PROXY` through a
//! proxy. Nothing is asked before it is needed: a role is assumed when the first call goes to its account.
//!
//! Calls are repeated as the SDK does by itself: three attempts in all, with exponential back-off and jitter, unless
//! `AWS_MAX_ATTEMPTS` or `AWS_RETRY_MODE` say otherwise. Adaptive retries are not chosen for the user: they slow all calls
//! of a client down when one is throttled, and the deployment above has a back-off of its own.

mod cloudformation;
mod errors;
mod organizations;
mod stack_sets;
mod storage;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Connector, tls};
use tokio::runtime::Runtime;

use self::errors::failed;
use super::cloud::{
    Answer, ChangeSetRequest, ChangeSetState, Cloud, CloudError, CloudErrorKind, DriftState, InstanceState,
    InstancesRequest, InstancesWork, OperationState, PolicyState, ResourceDrift, StackSetRequest, StackSetState,
    StackState, Target, UnitState,
};
use super::live::Ask;

/// How long a connection may take to stand.
const CONNECT: Duration = Duration::from_secs(5);
/// How long one attempt of a call may take.
const ATTEMPT: Duration = Duration::from_secs(60);
/// Threads that move bytes. Calls wait on the threads of their callers.
const WORKERS: usize = 2;
/// What CloudTrail shows as the session of a role that was assumed.
const SESSION: &str = "tenantry";
/// The most alarms that `DescribeAlarms` takes by name:
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html>
const ALARMS: usize = 100;

/// What the user says about how to reach AWS. All of it may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The role to assume in each account: an ARN with `{account}` for the account's id and `{partition}`. Without one the
    /// caller's own rights are used, which reach no other account.
    pub role: Option<String>,
    /// The profile of `~/.aws/config`; by default that of `AWS_PROFILE`, or `default`.
    pub profile: Option<String>,
    /// Where roles are assumed and the caller is asked for, if neither `AWS_REGION` nor the profile names a region.
    pub region: Option<String>,
}

/// AWS.
pub struct Aws {
    runtime: Runtime,
    base: SdkConfig,
    role: Option<String>,
    caller: Mutex<Option<Caller>>,
    accounts: Mutex<BTreeMap<String, SdkConfig>>,
    clients: Mutex<BTreeMap<Target, Arc<Clients>>>,
}

/// Who is calling.
#[derive(Debug, Clone)]
struct Caller {
    account: String,
    arn: String,
}

impl Caller {
    /// `aws`, `aws-cn`, `aws-us-gov`: a role of another partition cannot be assumed, so there is only this one.
    fn partition(&self) -> &str {
        self.arn.split(':').nth(1).filter(|partition| !partition.is_empty()).unwrap_or("aws")
    }

    /// Whether the caller has assumed this role already: `arn:aws:sts::111111111111:assumed-role/NAME/SESSION` is a session
    /// of `arn:aws:iam::111111111111:role/PATH/NAME`. To assume it once more would take a trust that roles seldom have.
    fn is(&self, role: &str) -> bool {
        let own = self.arn.split_once(":assumed-role/").and_then(|(_, session)| session.split('/').next());
        let (account, name) = (role.split(':').nth(4), role.rsplit('/').next());
        own.is_some() && own == name && account == Some(self.account.as_str())
    }
}

/// The clients for one account and region.
struct Clients {
    cloudformation: aws_sdk_cloudformation::Client,
    cloudwatch: aws_sdk_cloudwatch::Client,
    organizations: aws_sdk_organizations::Client,
    s3: aws_sdk_s3::Client,
    sts: aws_sdk_sts::Client,
}

impl Clients {
    fn new(config: &SdkConfig) -> Self {
        // An endpoint that the user gave has no name for each bucket; AWS's own have.
        let elsewhere = storage::endpoint(config).is_some();
        let s3 = aws_sdk_s3::config::Builder::from(config).force_path_style(elsewhere).build();
        Self {
            cloudformation: aws_sdk_cloudformation::Client::new(config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(config),
            organizations: aws_sdk_organizations::Client::new(config),
            s3: aws_sdk_s3::Client::from_conf(s3),
            sts: aws_sdk_sts::Client::new(config),
        }
    }
}

/// An error that no service has answered with.
fn own(kind: CloudErrorKind, operation: &'static str, message: String) -> CloudError {
    CloudError { kind, operation, code: String::new(), message }
}

/// What is in a mutex, whatever happened to others who held it: maps and options here are whole at any time.
fn open<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Aws {
    /// Gets ready to ask, and asks nothing but where credentials may come from: files and environment are read here.
    ///
    /// # Errors
    ///
    /// Of kind `Invalid` if threads cannot be started or a setting cannot be right.
    pub fn connect(settings: &Settings) -> Answer<Self> {
        let start = "sts:GetCallerIdentity";
        if let Some(role) = &settings.role
            && !fits(role)
        {
            let message = format!(
                "`{role}` is not the ARN of a role; one such as `arn:{{partition}}:iam::{{account}}:role/tenantry-deploy` is"
            );
            return Err(own(CloudErrorKind::Invalid, start, message));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("tenantry-aws")
            .enable_all()
            .build()
            .map_err(|error| own(CloudErrorKind::Invalid, start, format!("no threads to call from: {error}")))?;
        let base = runtime.block_on(load(settings));
        Ok(Self {
            runtime,
            base,
            role: settings.role.clone(),
            caller: Mutex::default(),
            accounts: Mutex::default(),
            clients: Mutex::default(),
        })
    }

    /// Waits for an answer, on the thread of the caller.
    fn wait<T>(&self, work: impl Future<Output = Answer<T>>) -> Answer<T> {
        self.runtime.block_on(work)
    }

    /// Asks with the clients for an account and region.
    fn on<T>(&self, target: &Target, work: impl AsyncFnOnce(&Clients) -> Answer<T>) -> Answer<T> {
        self.wait(async {
            let clients = self.clients(target).await?;
            work(&clients).await
        })
    }

    /// Who is calling, asked once.
    async fn identity(&self) -> Answer<Caller> {
        if let Some(caller) = open(&self.caller).clone() {
            return Ok(caller);
        }
        if self.base.region().is_none() {
            let message = "no region is set; set `AWS_REGION`, or `region` in the profile".to_owned();
            return Err(own(CloudErrorKind::Region, "sts:GetCallerIdentity", message));
        }
        let caller = who(&aws_sdk_sts::Client::new(&self.base)).await?;
        *open(&self.caller) = Some(caller.clone());
        Ok(caller)
    }

    /// The configuration for an account: with the role there, or with what the caller has.
    async fn account(&self, account: &str) -> Answer<SdkConfig> {
        if let Some(config) = open(&self.accounts).get(account) {
            return Ok(config.clone());
        }
        let caller = self.identity().await?;
        let role = self
            .role
            .as_deref()
            .map(|role| role.replace("{account}", account).replace("{partition}", caller.partition()));
        let config = match role.filter(|role| !caller.is(role)) {
            Some(role) => {
                let provider =
                    AssumeRoleProvider::builder(role).configure(&self.base).session_name(SESSION).build().await;
                let cache = aws_config::identity::IdentityCache::lazy().build();
                self.base
                    .to_builder()
                    .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(provider))
                    .identity_cache(cache)
                    .build()
            }
            None if caller.account == account => self.base.clone(),
            None => {
                let message = format!(
                    "the credentials are of account {}, and no role is given for account {account}; name it with `--role`, such as \
                     `arn:{{partition}}:iam::{{account}}:role/tenantry-deploy`",
                    caller.account
                );
                return Err(own(CloudErrorKind::Denied, "sts:AssumeRole", message));
            }
        };
        Ok(open(&self.accounts).entry(account.to_owned()).or_insert(config).clone())
    }

    async fn clients(&self, target: &Target) -> Answer<Arc<Clients>> {
        if let Some(clients) = open(&self.clients).get(target) {
            return Ok(Arc::clone(clients));
        }
        let config = self.account(&target.account).await?;
        let config = config.to_builder().region(Region::new(target.region.clone())).build();
        let clients = Arc::new(Clients::new(&config));
        Ok(Arc::clone(open(&self.clients).entry(target.clone()).or_insert(clients)))
    }
}

/// Whether a role can be an ARN of one once account and partition are filled in.
fn fits(role: &str) -> bool {
    let parts: Vec<&str> = role.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = parts.as_slice() else { return false };
    let account_fits = *account == "{account}" || (account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()));
    let named = resource.strip_prefix("role/").is_some_and(|name| !name.is_empty() && !name.ends_with('/'));
    !partition.is_empty() && account_fits && named
}

/// The default chain, with TLS by ring, proxies of the environment, and limits of time.
async fn load(settings: &Settings) -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new().build_with_connector_fn(|connection, components| {
        let mut connector = Connector::builder()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
            .proxy_config(ProxyConfig::from_env());
        connector.set_connector_settings(connection.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.build()
    });
    let limits = TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ATTEMPT).build();
    let loader = || {
        let mut loader =
            aws_config::defaults(BehaviorVersion::latest()).http_client(http.clone()).timeout_config(limits.clone());
        if let Ok(name) = AppName::new(concat!("tenantry-", env!("CARGO_PKG_VERSION"))) {
            loader = loader.app_name(name);
        }
        if let Some(profile) = &settings.profile {
            loader = loader.profile_name(profile);
        }
        loader
    };
    let config = loader().load().await;
    match &settings.region {
        // Loaded again, because the providers of credentials ask in this region too.
        Some(region) if config.region().is_none() => loader().region(Region::new(region.clone())).load().await,
        _ => config,
    }
}

async fn who(client: &aws_sdk_sts::Client) -> Answer<Caller> {
    let operation = "sts:GetCallerIdentity";
    let answer = client.get_caller_identity().send().await.map_err(|error| failed(operation, &error))?;
    match (answer.account, answer.arn) {
        (Some(account), Some(arn)) => Ok(Caller { account, arn }),
        _ => Err(own(CloudErrorKind::Transient, operation, "the answer names no account".to_owned())),
    }
}

/// Whether a region can be used: its own STS has to know us. In a region that an account has not enabled, keys of that
/// account are not known, which AWS says in the words it has for wrong keys; those of the home region are known to be right.
/// <https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html>
async fn check(clients: &Clients, target: &Target) -> Answer<()> {
    match who(&clients.sts).await {
        Ok(caller) if caller.account == target.account => Ok(()),
        Ok(caller) => {
            let message =
                format!("account {} was meant, and the role leads to account {}", target.account, caller.account);
            Err(own(CloudErrorKind::Denied, "sts:GetCallerIdentity", message))
        }
        Err(error) if errors::means_disabled_region(&error) => Err(CloudError {
            kind: CloudErrorKind::Region,
            message: format!(
                "region `{}` is not enabled in account {}, or does not exist",
                target.region, target.account
            ),
            ..error
        }),
        Err(error) => Err(error),
    }
}

/// The alarms that ring. One that is not there is an error: a gate must not open because nobody watches.
async fn ringing(clients: &Clients, names: &[String]) -> Answer<Vec<String>> {
    use aws_sdk_cloudwatch::types::{AlarmType, StateValue};
    let operation = "cloudwatch:DescribeAlarms";
    let mut states: BTreeMap<String, Option<StateValue>> = BTreeMap::new();
    for names in names.chunks(ALARMS) {
        let mut next = None;
        loop {
            let answer = clients
                .cloudwatch
                .describe_alarms()
                .set_alarm_names(Some(names.to_vec()))
                .alarm_types(AlarmType::MetricAlarm)
                .alarm_types(AlarmType::CompositeAlarm)
                .set_next_token(next)
                .send()
                .await
                .map_err(|error| failed(operation, &error))?;
            for alarm in answer.metric_alarms() {
                states.extend(alarm.alarm_name().map(|name| (name.to_owned(), alarm.state_value().cloned())));
            }
            for alarm in answer.composite_alarms() {
                states.extend(alarm.alarm_name().map(|name| (name.to_owned(), alarm.state_value().cloned())));
            }
            next = answer.next_token;
            if next.is_none() {
                break;
            }
        }
    }
    if let Some(missing) = names.iter().find(|name| !states.contains_key(*name)) {
        let message = format!("there is no alarm `{missing}`");
        return Err(own(CloudErrorKind::NotFound, operation, message));
    }
    states.retain(|_, state| *state == Some(StateValue::Alarm));
    Ok(states.into_keys().collect())
}

impl Cloud for Aws {
    fn caller(&self) -> Answer<String> {
        self.wait(async { Ok(self.identity().await?.account) })
    }

    fn check(&self, target: &Target) -> Answer<()> {
        self.wait(async {
            self.identity().await?;
            check(&*self.clients(target).await?, target).await
        })
    }

    fn stack(&self, target: &Target, name: &str) -> Answer<Option<StackState>> {
        self.on(target, async |clients| cloudformation::stack(&clients.cloudformation, name).await)
    }

    fn stack_names(&self, target: &Target, prefix: &str) -> Answer<Vec<String>> {
        self.on(target, async |clients| cloudformation::names(&clients.cloudformation, prefix).await)
    }

    fn create_change_set(&self, target: &Target, request: &ChangeSetRequest<'_>) -> Answer<String> {
        self.on(target, async |clients| cloudformation::create_change_set(&clients.cloudformation, request).await)
    }

    fn change_set(&self, target: &Target, stack: &str, name: &str) -> Answer<Option<ChangeSetState>> {
        self.on(target, async |clients| cloudformation::change_set(&clients.cloudformation, stack, name).await)
    }

    fn execute_change_set(&self, target: &Target, stack: &str, name: &str, token: &str) -> Answer<()> {
        self.on(target, async |clients| {
            cloudformation::execute_change_set(&clients.cloudformation, stack, name, token).await
        })
    }

    fn delete_change_set(&self, target: &Target, stack: &str, name: &str) -> Answer<()> {
        self.on(target, async |clients| cloudformation::delete_change_set(&clients.cloudformation, stack, name).await)
    }

    fn delete_stack(&self, target: &Target, stack: &str, token: &str) -> Answer<()> {
        self.on(target, async |clients| cloudformation::delete_stack(&clients.cloudformation, stack, token).await)
    }

    fn failures(&self, target: &Target, stack: &str, token: &str) -> Answer<Vec<String>> {
        self.on(target, async |clients| cloudformation::failures(&clients.cloudformation, stack, token).await)
    }

    fn template(&self, target: &Target, stack: &str) -> Answer<String> {
        self.on(target, async |clients| cloudformation::template(&clients.cloudformation, stack).await)
    }

    fn put_template(&self, target: &Target, bucket: &str, key: &str, body: &[u8]) -> Answer<String> {
        self.on(target, async |clients| {
            let partition = self.identity().await?.partition().to_owned();
            storage::put(&clients.s3, target, &partition, bucket, key, body).await
        })
    }

    fn stack_set(&self, home: &Target, name: &str) -> Answer<Option<StackSetState>> {
        self.on(home, async |clients| stack_sets::stack_set(&clients.cloudformation, name).await)
    }

    fn create_stack_set(&self, home: &Target, request: &StackSetRequest<'_>) -> Answer<()> {
        self.on(home, async |clients| stack_sets::create(&clients.cloudformation, request).await)
    }

    fn change_instances(
        &self,
        home: &Target,
        request: &InstancesRequest<'_>,
        work: &InstancesWork<'_>,
    ) -> Answer<String> {
        self.on(home, async |clients| stack_sets::change_instances(&clients.cloudformation, request, work).await)
    }

    fn operation(&self, home: &Target, set: &str, id: &str) -> Answer<Option<OperationState>> {
        self.on(home, async |clients| stack_sets::operation(&clients.cloudformation, set, id).await)
    }

    fn instance_values(&self, home: &Target, set: &str, target: &Target) -> Answer<Option<BTreeMap<String, String>>> {
        self.on(home, async |clients| stack_sets::instance_values(&clients.cloudformation, set, target).await)
    }

    fn instances(&self, home: &Target, set: &str, account: Option<&str>) -> Answer<Vec<InstanceState>> {
        self.on(home, async |clients| stack_sets::instances(&clients.cloudformation, set, account).await)
    }

    fn units(&self, home: &Target, parent: &str) -> Answer<Vec<UnitState>> {
        self.on(home, async |clients| organizations::units(&clients.organizations, parent).await)
    }

    fn create_unit(&self, home: &Target, parent: &str, name: &str, tags: &BTreeMap<String, String>) -> Answer<String> {
        self.on(home, async |clients| organizations::create_unit(&clients.organizations, parent, name, tags).await)
    }

    fn policy(&self, home: &Target, kind: &str, name: &str) -> Answer<Option<PolicyState>> {
        self.on(home, async |clients| organizations::policy(&clients.organizations, kind, name).await)
    }

    fn create_policy(
        &self,
        home: &Target,
        kind: &str,
        name: &str,
        description: &str,
        content: &str,
        tags: &BTreeMap<String, String>,
    ) -> Answer<String> {
        let policy = organizations::Draft { kind, name, description, content, tags };
        self.on(home, async |clients| organizations::create_policy(&clients.organizations, &policy).await)
    }

    fn update_policy(&self, home: &Target, id: &str, description: &str, content: &str) -> Answer<()> {
        self.on(home, async |clients| {
            organizations::update_policy(&clients.organizations, id, description, content).await
        })
    }

    fn attach_policy(&self, home: &Target, policy: &str, unit: &str) -> Answer<()> {
        self.on(home, async |clients| organizations::attach(&clients.organizations, policy, unit).await)
    }

    fn detach_policy(&self, home: &Target, policy: &str, unit: &str) -> Answer<()> {
        self.on(home, async |clients| organizations::detach(&clients.organizations, policy, unit).await)
    }

    fn parent(&self, home: &Target, account: &str) -> Answer<String> {
        self.on(home, async |clients| organizations::parent(&clients.organizations, account).await)
    }

    fn move_account(&self, home: &Target, account: &str, from: &str, to: &str) -> Answer<()> {
        self.on(home, async |clients| organizations::move_account(&clients.organizations, account, from, to).await)
    }

    fn ringing(&self, target: &Target, alarms: &[String]) -> Answer<Vec<String>> {
        self.on(target, async |clients| ringing(clients, alarms).await)
    }

    fn detect_drift(&self, target: &Target, stack: &str) -> Answer<String> {
        self.on(target, async |clients| cloudformation::detect_drift(&clients.cloudformation, stack).await)
    }

    fn drift(&self, target: &Target, id: &str) -> Answer<DriftState> {
        self.on(target, async |clients| cloudformation::drift(&clients.cloudformation, id).await)
    }

    fn drifted(&self, target: &Target, stack: &str) -> Answer<Vec<ResourceDrift>> {
        self.on(target, async |clients| cloudformation::drifted(&clients.cloudformation, stack).await)
    }
}

impl Ask for Aws {
    fn stack(&self, target: &Target, name: &str) -> Answer<Option<StackState>> {
        Cloud::stack(self, target, name)
    }

    fn stack_names(&self, target: &Target, prefix: &str) -> Answer<Vec<String>> {
        Cloud::stack_names(self, target, prefix)
    }

    fn create_change_set(&self, target: &Target, request: &ChangeSetRequest<'_>) -> Answer<String> {
        Cloud::create_change_set(self, target, request)
    }

    fn change_set(&self, target: &Target, stack: &str, name: &str) -> Answer<Option<ChangeSetState>> {
        Cloud::change_set(self, target, stack, name)
    }

    fn delete_change_set(&self, target: &Target, stack: &str, name: &str) -> Answer<()> {
        Cloud::delete_change_set(self, target, stack, name)
    }

    fn put_template(&self, target: &Target, bucket: &str, key: &str, body: &[u8]) -> Answer<String> {
        Cloud::put_template(self, target, bucket, key, body)
    }

    fn drop_shell(&self, target: &Target, stack: &str, token: &str) -> Answer<bool> {
        self.on(target, async |clients| cloudformation::drop_shell(&clients.cloudformation, stack, token).await)
    }
}

//! What CloudFormation says that it would do, asked with change sets that are never executed.
//!
//! A change set is the only question of this kind that CloudFormation answers
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html>). Making one
//! changes no resource; executing one would. [`Ask`] has no method for that, so what takes an [`Ask`] cannot do it.
//!
//! A stack that a stack set has made is asked too, under the name that it has. CloudFormation has no change sets for stack
//! sets, and lets such a stack be changed by itself: "Changes made through CloudFormation to a stack directly, rather than at
//! the stack-set level, are not considered drift"
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-drift.html>, read on 2026-11-21). If it refuses
//! nevertheless, the refusal is the answer.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use super::cloud::{
    Answer, ChangeSetRequest, ChangeSetState, CloudError, CloudErrorKind, PlannedChange, StackState, Target,
    TemplateSource,
};
use super::fleet;
use crate::assembly::Digest;
use crate::rollout::SetKey;

/// How long to wait between two looks at a change set.
const PAUSE: Duration = Duration::from_secs(2);
/// How often to look. A change set of 500 resources takes CloudFormation minutes.
const LOOKS: u32 = 300;
/// How often to try to take away the shell of a stack, while its change set is being deleted.
const SHELL_LOOKS: u32 = 10;
/// How many hexadecimal digits of a digest stand in a change set's name: 128 bits.
const DIGITS: usize = 32;
/// A stack that only a change set has been made for: it has no resources, and waits for somebody to execute one.
const SHELL: &str = "REVIEW_IN_PROGRESS";

/// What can be asked of AWS and leaves every resource as it is.
pub trait Ask: Sync {
    /// A stack; nothing if there is none, or it was deleted.
    fn stack(&self, target: &Target, name: &str) -> Answer<Option<StackState>>;

    /// The names of stacks that begin so, but for those that were deleted.
    fn stack_names(&self, target: &Target, prefix: &str) -> Answer<Vec<String>>;

    /// Makes a change set, and says its ARN.
    fn create_change_set(&self, target: &Target, request: &ChangeSetRequest<'_>) -> Answer<String>;

    /// A change set; nothing if there is none.
    fn change_set(&self, target: &Target, stack: &str, name: &str) -> Answer<Option<ChangeSetState>>;

    /// Deletes a change set.
    fn delete_change_set(&self, target: &Target, stack: &str, name: &str) -> Answer<()>;

    /// Puts a template into a bucket, if it is not there, and says its address.
    fn put_template(&self, target: &Target, bucket: &str, key: &str, body: &[u8]) -> Answer<String>;

    /// Deletes the stack that a change set of a new stack leaves behind, and says whether it did. It does not if the stack is
    /// more than that (any status but `REVIEW_IN_PROGRESS`), or has a change set that is not deleted yet.
    fn drop_shell(&self, target: &Target, stack: &str, token: &str) -> Answer<bool>;
}

/// One stack as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Its name.
    pub stack: String,
    /// Where it is.
    pub target: Target,
    /// The template's text.
    pub template: String,
    /// The values of its parameters.
    pub parameters: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The bucket for a template that is too large for a request.
    pub bucket: Option<String>,
    /// The stack set that makes it, where one can: then its name is another, and its tags are those of the set.
    pub set: Option<SetKey>,
}

impl Question {
    /// The name of the change set that asks it: the same for the same question, so that one that an interrupted preview has
    /// left is found; never that of a deployment.
    #[must_use]
    pub fn name(&self) -> String {
        let mut text = String::new();
        let mut part = |part: &str| text += &format!("{}:{part},", part.len());
        for word in [&self.target.account, &self.target.region, &self.stack, &self.template] {
            part(word);
        }
        for (key, value) in self.parameters.iter().chain([(&String::new(), &String::new())]).chain(&self.tags) {
            part(key);
            part(value);
        }
        let digits: String = Digest::of(text.as_bytes()).to_string().chars().take(DIGITS).collect();
        format!("tenantry-preview-{digits}")
    }
}

/// What CloudFormation says to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The stack, by the name of the question.
    pub stack: String,
    /// The stack that was asked, where a stack set has made it: it has another name then.
    pub instance: Option<String>,
    /// Where it is.
    pub target: Target,
    /// Whether it is there already.
    pub exists: bool,
    /// What would be done, in the order that CloudFormation says; empty if nothing.
    pub changes: Answer<Vec<PlannedChange>>,
    /// Why something was left behind, if so: a change set, or a stack without resources, of the name of the stack.
    pub left: Option<CloudError>,
}

/// Asks what would be done, for one stack after the other: makes a change set, waits for it, reads it, and deletes it again,
/// whatever came of it. `most` is the largest template, in bytes, that fits into a request; `pause` waits. `run` is another
/// word of letters and digits in each run, at most 64 of them: AWS answers a token that it has seen with what it did then, and
/// the change set of then is deleted.
pub fn preview(
    cloud: &dyn Ask,
    questions: &[Question],
    most: usize,
    run: &str,
    pause: &dyn Fn(Duration),
) -> Vec<Reply> {
    let one = |question: &Question| match found(cloud, question) {
        Ok(asked) => {
            let instance = matches!(asked, Cow::Owned(_)).then(|| asked.stack.clone());
            let reply = Asking::new(cloud, &asked, run, pause).run(most);
            Reply { stack: question.stack.clone(), instance, ..reply }
        }
        Err(error) => Reply { changes: Err(error), ..Reply::to(question) },
    };
    questions.iter().map(one).collect()
}

impl Reply {
    /// The reply before anything was asked.
    fn to(question: &Question) -> Self {
        Self {
            stack: question.stack.clone(),
            instance: None,
            target: question.target.clone(),
            exists: false,
            changes: Ok(Vec::new()),
            left: None,
        }
    }
}

/// Looks whether a stack set has made the stack. What is asked then is what operations on the set would do to it: the
/// template and the values are new, and the tags are the set's. It is the same question otherwise.
fn found<'a>(cloud: &dyn Ask, question: &'a Question) -> Answer<Cow<'a, Question>> {
    let Question { stack, target, set, .. } = question;
    if set.is_none() {
        return Ok(Cow::Borrowed(question));
    }
    let names = |prefix: &str| cloud.stack_names(target, prefix);
    let there = fleet::find(stack, set.as_ref(), &|name| cloud.stack(target, name), &names)?;
    Ok(match there.filter(|there| there.name() != stack) {
        None => Cow::Borrowed(question),
        Some(there) => Cow::Owned(Question {
            stack: there.name().to_owned(),
            tags: SetKey::tags(&question.tags),
            ..question.clone()
        }),
    })
}

/// A question that is being asked.
struct Asking<'a> {
    cloud: &'a dyn Ask,
    question: &'a Question,
    name: String,
    /// What makes AWS treat a call that is repeated in this run like the first.
    token: String,
    pause: &'a dyn Fn(Duration),
}

impl<'a> Asking<'a> {
    fn new(cloud: &'a dyn Ask, question: &'a Question, run: &str, pause: &'a dyn Fn(Duration)) -> Self {
        let name = question.name();
        let token = format!("{name}-{run}");
        Self { cloud, question, name, token, pause }
    }

    fn run(&self, most: usize) -> Reply {
        let mut reply = Reply::to(self.question);
        let before = match self.before() {
            Ok(before) => before,
            Err(error) => {
                reply.changes = Err(error);
                return reply;
            }
        };
        reply.exists = before.exists;
        reply.changes = self.source(most).and_then(|address| self.ask(before.exists, address.as_deref()));
        reply.left = self.tidy(before.ours).err();
        reply
    }

    /// What is there before. A change set of our name is of a preview that was interrupted: what it says may no longer hold.
    fn before(&self) -> Answer<Before> {
        let Question { stack, target, .. } = self.question;
        let Some(state) = self.cloud.stack(target, stack)? else { return Ok(Before { exists: false, ours: true }) };
        let stale = self.cloud.change_set(target, stack, &self.name)?.is_some();
        if stale {
            self.cloud.delete_change_set(target, stack, &self.name)?;
        }
        let exists = state.status != SHELL;
        Ok(Before { exists, ours: stale && !exists })
    }

    /// Where the template was put, if it is too large for a request.
    fn source(&self, most: usize) -> Answer<Option<String>> {
        let Question { target, template, bucket, .. } = self.question;
        match bucket {
            _ if template.len() <= most => Ok(None),
            Some(bucket) => {
                let key = format!("tenantry/{}.template.json", Digest::of(template.as_bytes()));
                self.cloud.put_template(target, bucket, &key, template.as_bytes()).map(Some)
            }
            None => Err(said(
                CloudErrorKind::Invalid,
                format!(
                    "the template has {} bytes, more than the {most} of a request, and no bucket is named",
                    template.len()
                ),
            )),
        }
    }

    fn ask(&self, exists: bool, address: Option<&str>) -> Answer<Vec<PlannedChange>> {
        let question = self.question;
        let request = ChangeSetRequest {
            stack: &question.stack,
            name: &self.name,
            token: &self.token,
            create: !exists,
            template: address.map_or(TemplateSource::Body(&question.template), TemplateSource::Url),
            parameters: &question.parameters,
            tags: &question.tags,
        };
        match self.cloud.create_change_set(&question.target, &request) {
            Ok(_) => self.wait(),
            Err(error) if error.kind == CloudErrorKind::NothingToChange => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn wait(&self) -> Answer<Vec<PlannedChange>> {
        let Question { stack, target, .. } = self.question;
        for look in 0..LOOKS {
            if look > 0 {
                (self.pause)(PAUSE);
            }
            let Some(state) = self.cloud.change_set(target, stack, &self.name)? else {
                return Err(said(CloudErrorKind::NotFound, "somebody has deleted the change set".to_owned()));
            };
            match state.status.as_str() {
                "CREATE_COMPLETE" => return Ok(state.changes),
                "FAILED" => {
                    let reason = state.reason.unwrap_or_else(|| "no reason is given".to_owned());
                    let nothing = ["didn't contain changes", "No updates are to be performed"];
                    return if nothing.iter().any(|text| reason.contains(text)) {
                        Ok(Vec::new())
                    } else {
                        Err(said(CloudErrorKind::Invalid, reason))
                    };
                }
                _ => {}
            }
        }
        let seconds = PAUSE.as_secs() * u64::from(LOOKS);
        Err(said(CloudErrorKind::Transient, format!("no change set after {seconds} s")))
    }

    /// Deletes what was made. A call that failed may have made it nevertheless, so this looks.
    fn tidy(&self, ours: bool) -> Answer<()> {
        let Question { stack, target, .. } = self.question;
        if self.cloud.change_set(target, stack, &self.name)?.is_some() {
            self.cloud.delete_change_set(target, stack, &self.name)?;
        }
        if !ours {
            return Ok(());
        }
        for look in 0..SHELL_LOOKS {
            if look > 0 {
                (self.pause)(PAUSE);
            }
            match self.cloud.stack(target, stack)? {
                Some(state) if state.status == SHELL => {}
                // Somebody has made it a stack meanwhile, or it is gone.
                _ => return Ok(()),
            }
            if self.cloud.drop_shell(target, stack, &self.token)? {
                return Ok(());
            }
        }
        let message = format!("stack `{stack}` is left without resources: somebody else has a change set for it");
        Err(CloudError { operation: "cloudformation:DeleteStack", ..said(CloudErrorKind::Busy, message) })
    }
}

/// What was there before.
struct Before {
    /// Whether there is a stack with resources.
    exists: bool,
    /// Whether a stack without resources, that is there afterwards, is of our making.
    ours: bool,
}

fn said(kind: CloudErrorKind, message: String) -> CloudError {
    CloudError { kind, operation: "cloudformation:CreateChangeSet", code: String::new(), message }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    use proptest::prelude::*;

    use super::*;

    /// An AWS with one stack at most, which answers one of its calls with an error.
    #[derive(Default)]
    struct Fake(Mutex<World>);

    type Map = BTreeMap<String, String>;

    #[derive(Debug, Clone, Default)]
    struct World {
        /// The status of the stack, if there is one.
        stack: Option<&'static str>,
        /// Change sets by name, with how many looks they take.
        sets: BTreeMap<String, u32>,
        /// What a change set fails with.
        failure: Option<&'static str>,
        /// Which call fails, and whether it has its effect first.
        fault: Option<(usize, bool)>,
        calls: usize,
        puts: usize,
        /// The tokens of calls that had their effect: they have none a second time.
        tokens: BTreeSet<String>,
        /// What a stack set has made: the name of a stack, and its values.
        instance: Option<(String, Map)>,
        /// What change sets were asked for: stack, values and tags.
        asked: Vec<(String, Map, Map)>,
    }

    impl Fake {
        fn call<T>(&self, work: impl FnOnce(&mut World) -> T) -> Answer<T> {
            let mut world = self.0.lock().unwrap();
            let number = world.calls;
            world.calls += 1;
            match world.fault {
                Some((at, effect)) if at == number => {
                    if effect {
                        work(&mut world);
                    }
                    Err(said(CloudErrorKind::Transient, "no answer".to_owned()))
                }
                _ => Ok(work(&mut world)),
            }
        }
    }

    impl Ask for Fake {
        fn stack(&self, _: &Target, name: &str) -> Answer<Option<StackState>> {
            self.call(|world| {
                let instance = world.instance.clone().filter(|(own, _)| own == name);
                let status = if instance.is_some() { Some("UPDATE_COMPLETE") } else { world.stack };
                status.map(|status| StackState {
                    id: format!("arn:aws:cloudformation:eu-west-1:111111111111:stack/{name}/1"),
                    status: status.to_owned(),
                    reason: None,
                    change_set: None,
                    tags: BTreeMap::new(),
                    parameters: instance.map(|(_, values)| values).unwrap_or_default(),
                })
            })
        }

        fn stack_names(&self, _: &Target, prefix: &str) -> Answer<Vec<String>> {
            self.call(|world| {
                let own = world.instance.iter().map(|(name, _)| name.clone());
                let all = own.chain([format!("{prefix}9-aaaaaaaaaaaa-{ID}")]);
                all.filter(|name| name.starts_with(prefix)).collect()
            })
        }

        fn create_change_set(&self, _: &Target, request: &ChangeSetRequest<'_>) -> Answer<String> {
            self.call(|world| {
                let new = world.instance.as_ref().is_none_or(|(own, _)| own != request.stack);
                assert_eq!(request.create, new && world.stack.is_none_or(|status| status == SHELL));
                world.asked.push((request.stack.to_owned(), request.parameters.clone(), request.tags.clone()));
                if !new {
                    world.sets.insert(request.name.to_owned(), 2);
                } else if world.tokens.insert(request.token.to_owned()) {
                    world.stack.get_or_insert(SHELL);
                    world.sets.insert(request.name.to_owned(), 2);
                }
                request.name.to_owned()
            })
        }

        fn change_set(&self, _: &Target, _: &str, name: &str) -> Answer<Option<ChangeSetState>> {
            self.call(|world| {
                let failure = world.failure;
                world.sets.get_mut(name).map(|looks| {
                    *looks = looks.saturating_sub(1);
                    let status = match (*looks, failure) {
                        (1.., _) => "CREATE_IN_PROGRESS",
                        (0, None) => "CREATE_COMPLETE",
                        (0, Some(_)) => "FAILED",
                    };
                    ChangeSetState {
                        id: name.to_owned(),
                        status: status.to_owned(),
                        execution: "AVAILABLE".to_owned(),
                        reason: failure.map(str::to_owned),
                        changes: vec![PlannedChange {
                            logical_id: "Orders".to_owned(),
                            kind: "AWS::DynamoDB::Table".to_owned(),
                            action: "Modify".to_owned(),
                            replacement: Some("True".to_owned()),
                            properties: vec!["KeySchema".to_owned()],
                        }],
                    }
                })
            })
        }

        fn delete_change_set(&self, _: &Target, _: &str, name: &str) -> Answer<()> {
            self.call(|world| {
                assert!(world.sets.remove(name).is_some());
            })
        }

        fn put_template(&self, _: &Target, bucket: &str, key: &str, _: &[u8]) -> Answer<String> {
            self.call(|world| {
                world.puts += 1;
                format!("https://{bucket}.s3.eu-west-1.amazonaws.com/{key}")
            })
        }

        fn drop_shell(&self, _: &Target, _: &str, token: &str) -> Answer<bool> {
            self.call(|world| {
                let shell = world.stack == Some(SHELL) && world.sets.is_empty();
                if shell && world.tokens.insert(format!("delete {token}")) {
                    world.stack = None;
                }
                shell
            })
        }
    }

    fn question() -> Question {
        Question {
            stack: "orders-silo-acme".to_owned(),
            target: Target { account: "111111111111".to_owned(), region: "eu-west-1".to_owned() },
            template: "{}".to_owned(),
            parameters: BTreeMap::from([("Tenant".to_owned(), "acme".to_owned())]),
            tags: BTreeMap::new(),
            bucket: None,
            set: None,
        }
    }

    /// The id of an instance.
    const ID: &str = "3c5e0b1a-8f0e-4c50-9d2e-0f6b4f1f2a11";

    #[test]
    fn a_stack_of_a_stack_set_is_asked_under_its_own_name_with_the_tags_of_the_set() {
        let map = |pairs: &[(&str, &str)]| -> Map {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let text = str::to_owned;
        let (product, environment, tier) = (text("orders"), text("prod"), text("silo"));
        let key = SetKey { product, environment, tier, template: text("templates/silo.json"), bits: 77 };
        let name = format!("StackSet-{}-{ID}", key.name(8));
        let question = Question {
            parameters: map(&[("Tenant", "acme"), ("Size", "large")]),
            tags: map(&[("Environment", "prod"), ("Tier", "silo"), ("Tenant", "acme")]),
            set: Some(key),
            ..question()
        };
        let ask = |world: World| {
            let fake = Fake(Mutex::new(world));
            let reply = preview(&fake, std::slice::from_ref(&question), 10, "run", &|_| {}).remove(0);
            (reply, fake.0.into_inner().unwrap())
        };
        let values = map(&[("Tenant", "acme"), ("Size", "small")]);
        let there = || World { instance: Some((name.clone(), values.clone())), ..World::default() };
        let (reply, world) = ask(there());
        assert_eq!((reply.stack.as_str(), reply.instance.as_deref()), ("orders-silo-acme", Some(name.as_str())));
        assert_eq!((reply.exists, &reply.left), (true, &None));
        assert!(reply.changes.is_ok_and(|changes| changes.len() == 1));
        assert_eq!(
            world.asked,
            [(name.clone(), question.parameters.clone(), map(&[("Environment", "prod"), ("Tier", "silo")]))]
        );
        assert_eq!((world.stack, world.sets.len()), (None, 0), "no shell is made, and no change set is left");

        // What has the name of the assembly comes first, and another set's stack is not the tenant's.
        let (reply, world) = ask(World { stack: Some("CREATE_COMPLETE"), ..there() });
        assert_eq!((reply.instance, world.asked[0].0.as_str()), (None, "orders-silo-acme"));
        let stranger = Some((name.replace("orders", "others"), values.clone()));
        let (reply, world) = ask(World { instance: stranger, ..World::default() });
        assert_eq!((reply.instance, reply.exists, world.asked[0].0.as_str()), (None, false, "orders-silo-acme"));
        assert_eq!(world.asked[0].2.len(), 3, "a stack of its own has all tags");

        // CloudFormation does not want to.
        let (reply, world) = ask(World { failure: Some("not on a stack of a stack set"), ..there() });
        assert_eq!(reply.changes.unwrap_err().message, "not on a stack of a stack set");
        assert_eq!((reply.instance, world.sets.len()), (Some(name.clone()), 0));

        // Whichever call gets no answer.
        for (at, effect) in (0..12).flat_map(|at| [(at, false), (at, true)]) {
            let (reply, world) = ask(World { fault: Some((at, effect)), ..there() });
            assert!(reply.left.is_some() || world.sets.is_empty(), "{at}: {world:?}");
            assert_eq!(world.stack, None);
        }
    }

    fn asked(world: World) -> (Reply, World) {
        // Each run has made more calls than the one before.
        let run = format!("run{}", world.calls);
        let fake = Fake(Mutex::new(world));
        let reply = preview(&fake, &[question()], 10, &run, &|_| {}).remove(0);
        (reply, fake.0.into_inner().unwrap())
    }

    #[test]
    fn a_stack_that_is_there_is_left_as_it_is() {
        let (reply, world) = asked(World { stack: Some("UPDATE_COMPLETE"), ..World::default() });
        assert!(reply.exists && reply.left.is_none());
        assert_eq!(reply.changes.unwrap()[0].replacement.as_deref(), Some("True"));
        assert_eq!((world.stack, world.sets.len()), (Some("UPDATE_COMPLETE"), 0));
    }

    #[test]
    fn the_shell_of_a_new_stack_goes_away_if_it_is_ours() {
        let (reply, world) = asked(World::default());
        assert!(!reply.exists && reply.left.is_none() && reply.changes.is_ok());
        assert_eq!((world.stack, world.sets.len()), (None, 0));

        // Somebody else's, who is about to execute it.
        let sets = BTreeMap::from([("theirs".to_owned(), 0)]);
        let (reply, world) = asked(World { stack: Some(SHELL), sets: sets.clone(), ..World::default() });
        assert!(!reply.exists && reply.left.is_none() && reply.changes.is_ok());
        assert_eq!((world.stack, world.sets), (Some(SHELL), sets));

        // That of a preview that was interrupted.
        let sets = BTreeMap::from([(question().name(), 0)]);
        let (reply, world) = asked(World { stack: Some(SHELL), sets, ..World::default() });
        assert!(reply.changes.is_ok());
        assert_eq!((world.stack, world.sets.len()), (None, 0));
    }

    #[test]
    fn nothing_to_change_is_an_answer_and_a_failure_is_none() {
        let failure = "The submitted information didn't contain changes. Submit different information.";
        let (reply, world) =
            asked(World { stack: Some("CREATE_COMPLETE"), failure: Some(failure), ..World::default() });
        assert_eq!((reply.changes, world.sets.len()), (Ok(Vec::new()), 0));
        let (reply, world) = asked(World { failure: Some("No export named X found"), ..World::default() });
        assert_eq!(reply.changes.unwrap_err().message, "No export named X found");
        assert_eq!((world.stack, world.sets.len()), (None, 0));
    }

    #[test]
    fn a_large_template_needs_a_bucket() {
        let mut large = question();
        large.template = " ".repeat(11);
        let fake = Fake::default();
        let reply = preview(&fake, &[large.clone()], 10, "run1", &|_| {}).remove(0);
        assert!(reply.changes.unwrap_err().message.contains("11 bytes"));
        large.bucket = Some("templates".to_owned());
        assert!(preview(&fake, &[large], 10, "run2", &|_| {}).remove(0).changes.is_ok());
        let world = fake.0.into_inner().unwrap();
        assert_eq!((world.puts, world.stack), (1, None));
    }

    #[test]
    fn asking_again_is_answered_again() {
        let mut world = World::default();
        for _ in 0..3 {
            let (reply, after) = asked(world);
            assert!(reply.changes.is_ok_and(|changes| changes.len() == 1) && reply.left.is_none());
            assert_eq!((after.stack, after.sets.len()), (None, 0));
            world = after;
        }
    }

    #[test]
    fn waiting_ends() {
        let waits = Cell::new(0);
        let fake = Fake::default();
        let question = question();
        let pause = |_: Duration| waits.set(waits.get() + 1);
        let asking = Asking::new(&fake, &question, "run", &pause);
        fake.0.lock().unwrap().sets.insert(question.name(), u32::MAX);
        assert_eq!(asking.wait().unwrap_err().kind, CloudErrorKind::Transient);
        assert_eq!(waits.get(), LOOKS - 1);
    }

    proptest! {
        /// Whichever call gets no answer, before or after it had its effect: what is left is said, and nobody else's
        /// stack is touched.
        #[test]
        fn whatever_fails_is_tidied_or_said(
            at in 0usize..12, effect: bool, there in prop::option::of(prop::sample::select(vec!["CREATE_COMPLETE", SHELL])),
        ) {
            let (reply, world) = asked(World { stack: there, fault: Some((at, effect)), ..World::default() });
            if reply.left.is_none() {
                prop_assert!(world.sets.is_empty(), "{:?}", world);
                prop_assert_eq!(world.stack, there);
            }
            if there.is_some() {
                prop_assert_eq!(world.stack, there);
            }
            // What was left is gone after the next preview.
            let (_, world) = asked(World { fault: None, ..world });
            prop_assert!(world.sets.is_empty());
        }

        #[test]
        fn names_tell_questions_apart(
            stack in "[a-z]{1,4}", key in "[a-z]{1,3}", value in "[a-z]{0,3}", tagged: bool,
        ) {
            let one = question();
            let mut other = Question { stack, parameters: BTreeMap::new(), ..question() };
            if tagged { &mut other.tags } else { &mut other.parameters }.insert(key, value);
            prop_assert_eq!(one.name() == other.name(), one == other);
            prop_assert!(one.name().len() <= 128 && other.name().starts_with("tenantry-preview-"));
        }
    }
}

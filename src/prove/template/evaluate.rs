//! The walk over a template: resources, outputs, and every value in them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::condition::Truth;
use super::identity::Identity;
use super::{Resolved, Resource, Setting, Stack, Template, parameter};
use crate::prove::policy::Place;
use crate::prove::proof::Obstacle;
use crate::prove::text::{CharSet, Symbols, Text, is_symbol};

/// How deep references may lead from one to the next before they are taken to lead nowhere.
const MAX_DEPTH: usize = 200;

/// One step of a JSON pointer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

/// A thing that is worked out once, when it is first asked for.
pub(super) enum Slot<T> {
    /// It is being worked out: who asks now asks in a circle.
    Busy,
    Done(T),
}

pub(super) struct Evaluator<'a> {
    pub(super) template: &'a Template,
    pub(super) setting: &'a Setting,
    pub(super) name: &'a str,
    pub(super) others: &'a dyn Fn(&str) -> Option<&'a Stack>,
    pub(super) symbols: &'a mut Symbols,
    resources: Option<&'a Map<String, Value>>,
    declarations: Option<&'a Map<String, Value>>,
    parameters: BTreeMap<&'a str, Resolved>,
    pub(super) conditions: BTreeMap<&'a str, Slot<Truth>>,
    identities: BTreeMap<&'a str, Slot<Identity>>,
    obstacles: Vec<Obstacle>,
    unknowns: Vec<Obstacle>,
    path: Vec<Step<'a>>,
    /// How many evaluations are under way of values that are, or will be, evaluated at their own place too.
    quiet: usize,
    depth: usize,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(
        template: &'a Template,
        setting: &'a Setting,
        name: &'a str,
        others: &'a dyn Fn(&str) -> Option<&'a Stack>,
        symbols: &'a mut Symbols,
    ) -> Self {
        Self {
            template,
            setting,
            name,
            others,
            symbols,
            resources: template.section("Resources"),
            declarations: template.section("Parameters"),
            parameters: BTreeMap::new(),
            conditions: BTreeMap::new(),
            identities: BTreeMap::new(),
            obstacles: Vec::new(),
            unknowns: Vec::new(),
            path: Vec::with_capacity(24),
            quiet: 0,
            depth: 0,
        }
    }

    pub(super) fn stack(mut self) -> Stack {
        self.transforms();
        let mut resources = Vec::with_capacity(self.resources.map_or(0, Map::len));
        match self.resources {
            None => self.obstacle("the template has no `Resources`", "give a template of CloudFormation"),
            Some(all) => {
                for (id, resource) in all {
                    self.path = vec![Step::Key("Resources"), Step::Key(id)];
                    resources.extend(self.resource(id, resource));
                }
            }
        }
        let (outputs, exports) = self.outputs();
        // What nobody referred to has a name all the same.
        for resource in &resources {
            let Some((id, _)) = self.resources.and_then(|all| all.get_key_value(&resource.logical_id)) else {
                continue;
            };
            if let Some(why) = self.identity(id).and_then(|identity| identity.nameless.clone()) {
                self.path = vec![Step::Key("Resources"), Step::Key(id)];
                self.obstacle(&format!("the name of the resource `{id}` is not known: {why}"), "give it a plain name");
            }
        }
        let identities = std::mem::take(&mut self.identities)
            .into_iter()
            .filter_map(|(id, slot)| match slot {
                Slot::Done(identity) => Some((id.to_owned(), identity)),
                Slot::Busy => None,
            })
            .collect();
        Stack {
            name: self.name.to_owned(),
            file: self.template.file().to_owned(),
            stack_name: self.setting.stack_name.clone(),
            partition: self.setting.partition.clone(),
            region: self.setting.region.clone(),
            account: self.setting.account.clone(),
            resources,
            outputs,
            exports,
            obstacles: self.obstacles,
            unknowns: self.unknowns,
            identities,
        }
    }

    /// Macros rewrite the template before CloudFormation sees what is deployed.
    fn transforms(&mut self) {
        let Some(transform) = self.template.value().get("Transform") else { return };
        self.path = vec![Step::Key("Transform")];
        let list = transform.as_array().map_or(std::slice::from_ref(transform), Vec::as_slice);
        for entry in list {
            let name = entry.as_str().or_else(|| entry.get("Name")?.as_str()).unwrap_or("a macro");
            match name {
                // Its functions are evaluated here; its loops are reported where they stand.
                "AWS::LanguageExtensions" => {}
                "AWS::Serverless-2016-10-31" => {
                    self.obstacle("the template is one of SAM, which is expanded before it is deployed", PROCESSED)
                }
                other => self
                    .obstacle(&format!("the macro `{other}` rewrites the template before it is deployed"), PROCESSED),
            }
        }
    }

    fn resource(&mut self, id: &'a str, resource: &'a Value) -> Option<Resource> {
        if id.starts_with("Fn::") {
            self.obstacle(&format!("`{id}` makes resources that are not in the template"), PROCESSED);
            return None;
        }
        let Some(kind) = resource.get("Type").and_then(Value::as_str) else {
            self.obstacle(&format!("the resource `{id}` has no `Type`"), "give every resource its type");
            return None;
        };
        let may_be_absent = match self.presence(resource) {
            Truth::Yes => None,
            Truth::No => return None,
            // Every application of the CDK has one, in the regions that are counted.
            Truth::Open(_) if kind == "AWS::CDK::Metadata" => return None,
            Truth::Open(why) => {
                self.at("Condition", |evaluator| {
                    evaluator.obstacle(&format!("whether the resource `{id}` exists cannot be decided: {why}"), DECIDE);
                });
                Some(why)
            }
        };
        if kind.ends_with("::MODULE") || kind == "AWS::CloudFormation::Macro" {
            self.obstacle(
                &format!("the resource `{id}` of the type `{kind}` stands for resources that are not in the template"),
                PROCESSED,
            );
        }
        if kind == "AWS::CloudFormation::StackSet"
            || (kind == "AWS::CloudFormation::Stack" && !self.setting.stacks.contains_key(id))
        {
            self.obstacle(
                &format!("the resource `{id}` of the type `{kind}` deploys a template that is not read"),
                "name the template that it deploys in the declaration",
            );
        }
        let mut place = Place { file: self.template.file().to_owned(), pointer: self.pointer() };
        let properties = match resource.as_object().and_then(|resource| resource.get("Properties")) {
            None => Resolved::Map(Vec::new()),
            Some(properties) => {
                place = place.at("Properties");
                let value = self.at("Properties", |evaluator| evaluator.value(properties));
                value.unwrap_or_else(|| Resolved::Map(Vec::new()))
            }
        };
        Some(Resource { logical_id: id.to_owned(), kind: kind.to_owned(), properties, place, may_be_absent })
    }

    /// Whether a resource or an output with a `Condition` is there.
    fn presence(&mut self, entry: &'a Value) -> Truth {
        match entry.get("Condition") {
            None => Truth::Yes,
            Some(Value::String(condition)) => self.condition(condition),
            Some(_) => Truth::Open("its `Condition` is not the name of one".to_owned()),
        }
    }

    fn outputs(&mut self) -> (BTreeMap<String, Resolved>, Vec<(Text, Resolved)>) {
        let (mut outputs, mut exports) = (BTreeMap::new(), Vec::new());
        for (name, output) in self.template.section("Outputs").into_iter().flatten() {
            self.path = vec![Step::Key("Outputs"), Step::Key(name)];
            if name.starts_with("Fn::") {
                self.obstacle(&format!("`{name}` makes outputs that are not in the template"), PROCESSED);
                continue;
            }
            let presence = self.presence(output);
            if presence == Truth::No {
                continue;
            }
            let mut value = match output.as_object().and_then(|output| output.get("Value")) {
                None => self.unknown("the output has no `Value`", "give it one"),
                Some(value) => self
                    .at("Value", |evaluator| evaluator.value(value))
                    .unwrap_or_else(|| Resolved::Unknown("the output has no value".to_owned())),
            };
            if let Truth::Open(why) = presence {
                value = self.unknown(&format!("whether the output exists cannot be decided: {why}"), DECIDE);
            }
            if let Some(name) = output.pointer("/Export/Name")
                && let Some(Resolved::Text(name)) =
                    self.at("Export", |evaluator| evaluator.at("Name", |evaluator| evaluator.value(name)))
            {
                exports.push((name, value.clone()));
            }
            outputs.insert(name.clone(), value);
        }
        (outputs, exports)
    }

    /// A value with its intrinsics evaluated; nothing if it is removed.
    pub(super) fn value(&mut self, json: &'a Value) -> Option<Resolved> {
        let value = self.deeper(|evaluator| evaluator.value_within(json));
        value.unwrap_or_else(|| Some(self.unknown("references lead too deep here", "shorten the chain of references")))
    }

    fn value_within(&mut self, json: &'a Value) -> Option<Resolved> {
        match json {
            Value::Null => {
                Some(self.unknown("nothing stands here", "CloudFormation takes no `null`: take the key out"))
            }
            Value::Bool(truth) => Some(Resolved::Text(if *truth { "true" } else { "false" }.to_owned())),
            Value::Number(number) => Some(Resolved::Text(number.to_string())),
            Value::String(text) => Some(self.literal(text)),
            Value::Array(items) => {
                let mut list = Vec::with_capacity(items.len());
                for (at, item) in items.iter().enumerate() {
                    self.path.push(Step::Index(at));
                    list.extend(self.value(item));
                    self.path.pop();
                }
                Some(Resolved::List(list))
            }
            Value::Object(map) => self.mapping(map),
        }
    }

    fn mapping(&mut self, map: &'a Map<String, Value>) -> Option<Resolved> {
        if map.len() == 1
            && let Some((key, argument)) = map.iter().next()
            && (key == "Ref" || key.starts_with("Fn::"))
        {
            return self.at(key, |evaluator| evaluator.function(key, argument));
        }
        let mut entries = Vec::with_capacity(map.len());
        for (key, value) in map {
            if key.starts_with("Fn::") {
                let what = format!("`{key}` stands beside other keys, and what it adds to them is not known");
                return Some(self.unknown(&what, PROCESSED));
            }
            if !key.is_ascii() && key.chars().any(is_symbol) {
                return Some(self.unknown("a key holds a character for private use", "write it without the character"));
            }
            self.path.push(Step::Key(key));
            let value = self.value(value);
            self.path.pop();
            entries.extend(value.map(|value| (key.clone(), value)));
        }
        Some(Resolved::Map(entries))
    }

    /// A text of the template: as it is, but for what only the deployment knows.
    fn literal(&mut self, text: &str) -> Resolved {
        if !text.is_ascii() && text.chars().any(is_symbol) {
            return self.unknown("the text holds a character for private use", "write it without the character");
        }
        self.dynamic(text.to_owned())
    }

    /// The text with a symbol for each dynamic reference.
    pub(super) fn dynamic(&mut self, text: Text) -> Resolved {
        const OPENING: &str = "{{resolve:";
        if !text.contains(OPENING) {
            return Resolved::Text(text);
        }
        let mut resolved = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once(OPENING) {
            resolved.push_str(before);
            let Some((reference, after)) = after.split_once("}}") else {
                resolved.push_str(OPENING);
                rest = after;
                continue;
            };
            let name = format!("{OPENING}{}}}}} in {}", self.symbols.show(reference), self.name);
            match self.opaque(name, CharSet::ALL, (0, 65_536), None) {
                Ok(symbol) => resolved.push_str(&symbol),
                Err(why) => return Resolved::Unknown(why),
            }
            rest = after;
        }
        resolved.push_str(rest);
        Resolved::Text(resolved)
    }

    /// A text; or why there is none.
    pub(super) fn text(&mut self, json: &'a Value) -> Result<Text, String> {
        match self.value(json) {
            Some(Resolved::Text(text)) => Ok(text),
            Some(Resolved::Unknown(why)) => Err(why),
            Some(Resolved::List(_) | Resolved::Map(_)) | None => {
                let what = "a text must stand here";
                self.unknown(what, "write a text, or a function that returns one");
                Err(what.to_owned())
            }
        }
    }

    /// What a parameter stands for.
    pub(super) fn parameter(&mut self, name: &'a str) -> Option<Resolved> {
        let declaration = self.declarations?.get(name)?;
        if let Some(known) = self.parameters.get(name) {
            return Some(known.clone());
        }
        let kind = declaration.get("Type").and_then(Value::as_str).unwrap_or("String");
        let list = kind == "CommaDelimitedList" || kind.contains("List<");
        let bound = self.setting.parameters.get(name).cloned().or_else(|| {
            let other = self.setting.stacks.get(name)?;
            Some((self.others)(other)?.stack_name.clone())
        });
        let value = match bound {
            Some(text) if list => {
                Resolved::List(text.split(',').map(|item| Resolved::Text(item.trim().to_owned())).collect())
            }
            Some(text) => Resolved::Text(text),
            None if list => self.unknown(
                &format!("the parameter `{name}` is a list that nothing is said about"),
                "say what the parameter stands for under `parameters` in the declaration",
            ),
            None => {
                // What is allowed is the name of a parameter of SSM; the value is another's.
                let ssm = kind.starts_with("AWS::SSM::Parameter::Value");
                let symbol = parameter::symbol(name, if ssm { &Value::Null } else { declaration }, self.name);
                self.intern(symbol).map_or_else(Resolved::Unknown, Resolved::Text)
            }
        };
        if !matches!(value, Resolved::Unknown(_)) {
            self.parameters.insert(name, value.clone());
        }
        Some(value)
    }

    /// What a resource is called; nothing if there is no such resource, or if its name leads back to itself.
    pub(super) fn identity(&mut self, id: &'a str) -> Option<&mut Identity> {
        if !self.identities.contains_key(id) {
            let (id, resource) = self.resources?.get_key_value(id)?;
            let resource = resource.as_object()?;
            let kind = resource.get("Type")?.as_str()?;
            self.identities.insert(id, Slot::Busy);
            let identity = self.identify(id, kind, resource.get("Properties"));
            self.identities.insert(id, Slot::Done(identity));
        }
        match self.identities.get_mut(id)? {
            Slot::Busy => None,
            Slot::Done(identity) => Some(identity),
        }
    }

    /// A resource's entry, if the template has it.
    pub(super) fn entry(&self, id: &str) -> Option<&'a Map<String, Value>> {
        self.resources?.get(id)?.as_object()
    }

    /// The value evaluated at a place of its own. What is unknown there is not reported: it is evaluated there too.
    pub(super) fn elsewhere(&mut self, steps: &[&'a str], json: &'a Value) -> Option<Resolved> {
        let there = steps.iter().map(|step| Step::Key(step)).collect();
        let here = std::mem::replace(&mut self.path, there);
        let value = self.quietly(|evaluator| evaluator.value(json));
        self.path = here;
        value
    }

    /// Without reporting what is unknown.
    pub(super) fn quietly<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        self.quiet += 1;
        let done = work(self);
        self.quiet -= 1;
        done
    }

    /// One reference further; nothing if they lead too deep.
    pub(super) fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth > MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let done = work(self);
        self.depth -= 1;
        Some(done)
    }

    /// Evaluates one step further down.
    pub(super) fn at<T>(&mut self, key: &'a str, work: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(Step::Key(key));
        let done = work(self);
        self.path.pop();
        done
    }

    /// The same for an item of a list.
    pub(super) fn item<T>(&mut self, at: usize, work: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(Step::Index(at));
        let done = work(self);
        self.path.pop();
        done
    }

    /// Where this is.
    pub(super) fn pointer(&self) -> String {
        let mut place = Place { file: String::new(), pointer: String::new() };
        for step in &self.path {
            place = match step {
                Step::Key(key) => place.at(key),
                Step::Index(at) => place.at(at),
            };
        }
        place.pointer
    }

    fn here(&self, reason: &str, help: &str) -> Obstacle {
        let place = Place { file: self.template.file().to_owned(), pointer: self.pointer() };
        Obstacle { place: Some(place), reason: reason.to_owned(), help: help.to_owned() }
    }

    fn obstacle(&mut self, reason: &str, help: &str) {
        let obstacle = self.here(reason, help);
        self.obstacles.push(obstacle);
    }

    /// A value that cannot be known.
    pub(super) fn unknown(&mut self, reason: &str, help: &str) -> Resolved {
        if self.quiet == 0 {
            let unknown = self.here(reason, help);
            self.unknowns.push(unknown);
        }
        Resolved::Unknown(reason.to_owned())
    }
}

/// What to do about a condition.
pub(super) const DECIDE: &str =
    "say what the parameters it compares stand for, under `parameters` in the declaration: `{ is: { text: prod } }`";

/// What to do about macros.
pub(super) const PROCESSED: &str =
    "give the processed template: `aws cloudformation get-template --template-stage Processed`";

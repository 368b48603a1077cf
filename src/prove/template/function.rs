//! The intrinsic functions.

use serde_json::Value;

use super::condition::{Truth, equal};
use super::evaluate::{DECIDE, Evaluator, PROCESSED};
use super::{Resolved, Stack};
use crate::prove::text::{CharSet, Text, is_symbol};

/// What to do about a reference that leads nowhere.
const MISSING: &str = "name a parameter or a resource of the template";

/// What to do about another stack that is not known.
const LINK: &str = "say which template the other stack is made of, under `parameters` in the declaration: `{ stack: { template: … } }`";

impl<'a> Evaluator<'a> {
    /// The value of a function; nothing if it removes what it stands for.
    pub(super) fn function(&mut self, name: &'a str, argument: &'a Value) -> Option<Resolved> {
        let list = argument.as_array().map_or(&[] as &[Value], Vec::as_slice);
        Some(match (name, argument, list) {
            ("Ref", Value::String(target), _) => match self.reference(target) {
                Some(value) => value,
                None if target == "AWS::NoValue" => return None,
                None => {
                    self.unknown(&format!("`Ref` names `{target}`, which the template does not have or make"), MISSING)
                }
            },
            ("Fn::GetAtt", Value::String(text), _) => match text.split_once('.') {
                Some((id, attribute)) => self.get_att(id, attribute),
                None => self.malformed(name),
            },
            ("Fn::GetAtt", _, [Value::String(id), Value::String(attribute)]) => self.get_att(id, attribute),
            ("Fn::GetAtt", _, [Value::String(id), attribute]) => match self.item(1, |it| it.text(attribute)) {
                Ok(attribute) => self.get_att(id, &attribute),
                Err(why) => Resolved::Unknown(why),
            },
            ("Fn::Sub", Value::String(text), _) => self.sub(text, None),
            ("Fn::Sub", _, [Value::String(text), Value::Object(_)]) => self.sub(text, list.get(1)),
            ("Fn::Sub", _, [Value::String(text)]) => self.sub(text, None),
            ("Fn::Join", _, [Value::String(delimiter), items]) => self.join(delimiter, items),
            ("Fn::Select", _, [index, items]) => self.select(index, items),
            ("Fn::Split", _, [Value::String(delimiter), text]) => self.split(delimiter, text),
            ("Fn::FindInMap", _, [map, first, second]) => self.find_in_map([map, first, second], None),
            ("Fn::FindInMap", _, [map, first, second, more]) => {
                self.find_in_map([map, first, second], more.get("DefaultValue"))
            }
            ("Fn::If", _, [Value::String(condition), yes, no]) => return self.choose(condition, yes, no),
            ("Fn::ImportValue", ..) => self.import(argument),
            ("Fn::GetStackOutput", Value::Object(_), _) => self.stack_output(argument),
            ("Fn::Length", Value::Array(items), _) => Resolved::Text(items.len().to_string()),
            ("Fn::Length", ..) => match self.value(argument) {
                Some(Resolved::List(items)) => Resolved::Text(items.len().to_string()),
                _ => self.made_up(name, CharSet::digits(), (1, 9)),
            },
            ("Fn::Base64" | "Fn::GetAZs" | "Fn::Cidr" | "Fn::ToJsonString", ..) => {
                self.made_up(name, CharSet::ALL, (0, 65_536))
            }
            ("Fn::Transform", ..) => self.unknown("a macro makes what stands here", PROCESSED),
            (
                "Ref" | "Fn::Sub" | "Fn::Join" | "Fn::Select" | "Fn::Split" | "Fn::FindInMap" | "Fn::If"
                | "Fn::GetStackOutput",
                ..,
            ) => self.malformed(name),
            (other, ..) => self.unknown(
                &format!("the function `{other}` is not known"),
                "write the value, or give the processed template",
            ),
        })
    }

    fn malformed(&mut self, name: &str) -> Resolved {
        self.unknown(&format!("the arguments of `{name}` are not what it takes"), "see the reference of the function")
    }

    /// A text that is worked out when the stack is deployed, and that no policy should need.
    fn made_up(&mut self, function: &str, alphabet: CharSet, length: (usize, usize)) -> Resolved {
        let name = format!("{function} at {} of {}", self.pointer(), self.name);
        self.opaque(name, alphabet, length, None).map_or_else(Resolved::Unknown, Resolved::Text)
    }

    /// What `Ref` returns; nothing if there is no such thing.
    fn reference(&mut self, target: &'a str) -> Option<Resolved> {
        let text = match target {
            "AWS::Partition" => self.setting.partition.clone(),
            "AWS::Region" => self.setting.region.clone(),
            "AWS::AccountId" => self.setting.account.clone(),
            "AWS::StackName" => self.setting.stack_name.clone(),
            "AWS::URLSuffix" => return Some(self.url_suffix().map_or_else(Resolved::Unknown, Resolved::Text)),
            "AWS::StackId" => {
                let alphabet = CharSet::of(|character| matches!(character, '0'..='9' | 'a'..='f' | '-'), false);
                let name = format!("id of the stack of {}", self.name);
                return Some(match self.opaque(name, alphabet, (36, 36), Some("ids of stacks".to_owned())) {
                    Err(why) => Resolved::Unknown(why),
                    Ok(id) => Resolved::Text(format!(
                        "arn:{}:cloudformation:{}:{}:stack/{}/{id}",
                        self.setting.partition, self.setting.region, self.setting.account, self.setting.stack_name
                    )),
                });
            }
            "AWS::NoValue" => return None,
            _ => {
                if let Some(value) = self.parameter(target) {
                    return Some(value);
                }
                let resource = self.entry(target)?;
                if let Some(absent) = self.absent(target, resource) {
                    return Some(absent);
                }
                return Some(match self.identity(target) {
                    None => self.circle(target),
                    Some(identity) => match identity.reference.clone() {
                        Ok(text) => Resolved::Text(text),
                        Err(why) => self.unknown(&format!("the name of `{target}` is not known: {why}"), MISSING),
                    },
                });
            }
        };
        Some(Resolved::Text(text))
    }

    /// A reference to a resource whose condition is false: CloudFormation refuses the template.
    fn absent(&mut self, id: &str, resource: &'a serde_json::Map<String, Value>) -> Option<Resolved> {
        let condition = resource.get("Condition")?.as_str()?;
        if self.condition(condition) != Truth::No {
            return None;
        }
        Some(self.unknown(&format!("`{id}` does not exist, because its condition is false"), MISSING))
    }

    fn circle(&mut self, id: &str) -> Resolved {
        self.unknown(&format!("the name of `{id}` leads back to itself"), "break the circle, which is no template")
    }

    fn get_att(&mut self, id: &'a str, attribute: &str) -> Resolved {
        let Some(resource) = self.entry(id) else {
            return self.unknown(&format!("`Fn::GetAtt` names `{id}`, which the template does not have"), MISSING);
        };
        if let Some(absent) = self.absent(id, resource) {
            return absent;
        }
        if let Some(output) = attribute.strip_prefix("Outputs.")
            && let Some(key) = self.setting.stacks.get(id)
        {
            return match (self.others)(key) {
                Some(stack) => self.output(stack, output),
                None => self.unknown(&format!("the nested stack `{id}` is not known"), LINK),
            };
        }
        let Some(identity) = self.identity(id) else { return self.circle(id) };
        if let Some(known) = identity.attributes.get(attribute).cloned() {
            return match known {
                Ok(text) => Resolved::Text(text),
                Err(why) => self.unknown(&format!("`{attribute}` of `{id}` is not known: {why}"), MISSING),
            };
        }
        let name = format!("{attribute} of {id} in {}", self.name);
        let text = self.opaque(name, CharSet::ALL, (1, 2048), None);
        if let Some(identity) = self.identity(id) {
            identity.attributes.insert(attribute.to_owned(), text.clone());
        }
        text.map_or_else(Resolved::Unknown, Resolved::Text)
    }

    /// `${Name}`, `${Resource.Attribute}`, a name of the function's own map, and `${!…}`, which stays as `${…}`.
    fn sub(&mut self, text: &'a str, own: Option<&'a Value>) -> Resolved {
        if !text.is_ascii() && text.chars().any(is_symbol) {
            return self.unknown("the text holds a character for private use", "write it without the character");
        }
        let mut result = String::with_capacity(text.len() + 32);
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            result.push_str(before);
            let Some((variable, after)) = after.split_once('}') else {
                result.push_str("${");
                rest = after;
                continue;
            };
            rest = after;
            if let Some(literal) = variable.strip_prefix('!') {
                result.push_str("${");
                result.push_str(literal);
                result.push('}');
                continue;
            }
            let value = match own.and_then(|own| own.as_object()?.get_key_value(variable)) {
                Some((key, value)) => self.item(1, |evaluator| evaluator.at(key, |evaluator| evaluator.value(value))),
                None => match variable.split_once('.') {
                    Some((id, attribute)) => Some(self.get_att(id, attribute)),
                    None => self.reference(variable),
                },
            };
            match value {
                Some(Resolved::Text(text)) => result.push_str(&text),
                Some(Resolved::Unknown(why)) => return Resolved::Unknown(why),
                Some(_) => {
                    return self.unknown(&format!("`${{{variable}}}` is no text"), "name something that is a text");
                }
                None => {
                    let what = format!("`${{{variable}}}` names nothing that the template has or makes");
                    return self.unknown(&what, "write `${!…}` for a variable of a policy");
                }
            }
        }
        result.push_str(rest);
        self.dynamic(result)
    }

    /// The texts of a list, wherever it comes from.
    fn texts(&mut self, items: &'a Value) -> Result<Vec<Text>, String> {
        match self.value(items) {
            Some(Resolved::List(items)) => items
                .into_iter()
                .map(|item| match item {
                    Resolved::Text(text) => Ok(text),
                    Resolved::Unknown(why) => Err(why),
                    _ => Err("an item of the list is no text".to_owned()),
                })
                .collect::<Result<_, _>>()
                .inspect_err(|why| {
                    if why == "an item of the list is no text" {
                        self.unknown(why, "write texts, or functions that return them");
                    }
                }),
            Some(Resolved::Unknown(why)) => Err(why),
            _ => {
                let what = "a list must stand here";
                self.unknown(what, "write a list, or a function that returns one");
                Err(what.to_owned())
            }
        }
    }

    fn join(&mut self, delimiter: &str, items: &'a Value) -> Resolved {
        match self.item(1, |evaluator| evaluator.texts(items)) {
            Ok(texts) => self.dynamic(texts.join(delimiter)),
            Err(why) => Resolved::Unknown(why),
        }
    }

    fn select(&mut self, index: &'a Value, items: &'a Value) -> Resolved {
        let index = match self.item(0, |evaluator| evaluator.text(index)) {
            Ok(index) => index,
            Err(why) => return Resolved::Unknown(why),
        };
        let Ok(index) = index.parse::<usize>() else {
            let shown = self.symbols.show(&index);
            return self.unknown(&format!("which item is selected is not known: `{shown}`"), "write a number");
        };
        let function = items.as_object().filter(|map| map.len() == 1).and_then(|map| map.keys().next());
        if matches!(function.map(String::as_str), Some("Fn::GetAZs" | "Fn::Cidr")) {
            return self.made_up("Fn::Select", CharSet::ALL, (1, 64));
        }
        match self.item(1, |evaluator| evaluator.value(items)) {
            Some(Resolved::List(mut items)) if index < items.len() => items.swap_remove(index),
            Some(Resolved::Unknown(why)) => Resolved::Unknown(why),
            Some(Resolved::List(items)) => {
                let what = format!("item {index} is selected of a list that has {}", items.len());
                self.unknown(&what, "count from zero")
            }
            _ => self.malformed("Fn::Select"),
        }
    }

    fn split(&mut self, delimiter: &str, text: &'a Value) -> Resolved {
        let text = match self.item(1, |evaluator| evaluator.text(text)) {
            Ok(text) => text,
            Err(why) => return Resolved::Unknown(why),
        };
        // A symbol that may hold a character of the delimiter may be cut, alone or together with its neighbours.
        let cut = text.chars().find_map(|character| {
            let symbol = self.symbols.get(character)?;
            let may = delimiter.chars().any(|one| symbol.alphabet.contains(one));
            may.then(|| symbol.name.clone())
        });
        if let Some(symbol) = cut {
            let what = format!("where the text is split depends on what `⟨{symbol}⟩` stands for");
            return self.unknown(&what, "hand over the parts one by one");
        }
        if delimiter.is_empty() {
            return self.malformed("Fn::Split");
        }
        Resolved::List(text.split(delimiter).map(|part| Resolved::Text(part.to_owned())).collect())
    }

    fn find_in_map(&mut self, keys: [&'a Value; 3], default: Option<&'a Value>) -> Resolved {
        let mut path = Vec::with_capacity(3);
        for (at, key) in keys.into_iter().enumerate() {
            match self.item(at, |evaluator| evaluator.text(key)) {
                Ok(text) if text.chars().any(is_symbol) => {
                    let shown = self.symbols.show(&text);
                    let what = format!("which entry of the mapping is meant depends on `{shown}`");
                    return self.unknown(&what, DECIDE);
                }
                Ok(text) => path.push(text),
                Err(why) => return Resolved::Unknown(why),
            }
        }
        let [map, first, second] = path.as_slice() else { return self.malformed("Fn::FindInMap") };
        let found = self.template.section("Mappings").and_then(|all| all.get(map)?.get(first)?.get(second));
        match (found, default) {
            (Some(value), _) | (None, Some(value)) => self.value(value).unwrap_or_else(|| Resolved::List(Vec::new())),
            (None, None) => {
                let what = format!("there is no `{first}`, `{second}` in the mapping `{map}`");
                self.unknown(&what, "name an entry of `Mappings`")
            }
        }
    }

    fn choose(&mut self, condition: &'a str, yes: &'a Value, no: &'a Value) -> Option<Resolved> {
        match self.condition(condition) {
            Truth::Yes => self.item(1, |evaluator| evaluator.value(yes)),
            Truth::No => self.item(2, |evaluator| evaluator.value(no)),
            Truth::Open(why) => self
                .quietly(|evaluator| {
                    let yes = evaluator.item(1, |evaluator| evaluator.value(yes));
                    let no = evaluator.item(2, |evaluator| evaluator.value(no));
                    match (yes, no) {
                        (None, None) => Some(None),
                        (Some(yes), Some(no)) if equal(&yes, &no, evaluator.symbols) == Some(true) => Some(Some(yes)),
                        _ => None,
                    }
                })
                .unwrap_or_else(|| {
                    Some(self.unknown(&format!("which of two values stands here cannot be decided: {why}"), DECIDE))
                }),
        }
    }

    fn import(&mut self, argument: &'a Value) -> Resolved {
        let name = match self.text(argument) {
            Ok(name) => name,
            Err(why) => return Resolved::Unknown(why),
        };
        let others = self.others;
        let mut keys: Vec<&String> = self.setting.stacks.values().collect();
        keys.sort_unstable();
        keys.dedup();
        let mut found: Vec<Resolved> = Vec::new();
        for stack in keys.into_iter().filter_map(|key| others(key)) {
            found.extend(stack.exports.iter().filter(|(export, _)| *export == name).map(|(_, value)| value.clone()));
        }
        let shown = self.symbols.show(&name);
        match found.pop() {
            Some(value) if found.is_empty() => self.taken_over(value, &shown),
            Some(_) => self.unknown(&format!("more than one stack exports `{shown}`"), LINK),
            None => self.unknown(&format!("no stack that is known exports `{shown}`"), LINK),
        }
    }

    fn stack_output(&mut self, argument: &'a Value) -> Resolved {
        let Some(name) = argument.get("StackName") else { return self.malformed("Fn::GetStackOutput") };
        let Some(output) = argument.get("OutputName") else { return self.malformed("Fn::GetStackOutput") };
        let output = match self.at("OutputName", |evaluator| evaluator.text(output)) {
            Ok(output) => output,
            Err(why) => return Resolved::Unknown(why),
        };
        // Another account's stacks are read through a role of that account: an instance of its own.
        let parameter = name.get("Ref").and_then(Value::as_str);
        let key = match parameter.and_then(|parameter| self.setting.stacks.get(parameter)) {
            Some(key) => key,
            None => match self.at("StackName", |evaluator| evaluator.text(name)) {
                Err(why) => return Resolved::Unknown(why),
                Ok(name) => match self.setting.stacks.get(&name) {
                    Some(key) => key,
                    None => {
                        let shown = self.symbols.show(&name);
                        return self.unknown(&format!("nothing is known about the stack `{shown}`"), LINK);
                    }
                },
            },
        };
        let Some(stack) = (self.others)(key) else {
            return self.unknown(&format!("nothing is known about the stack `{key}`"), LINK);
        };
        if let Some(region) = argument.get("Region") {
            match self.at("Region", |evaluator| evaluator.text(region)) {
                Err(why) => return Resolved::Unknown(why),
                Ok(region) if region != stack.region => {
                    let shown = self.symbols.show(&region);
                    return self.unknown(&format!("the stack `{}` is not in the region `{shown}`", stack.name), LINK);
                }
                Ok(_) => {}
            }
        }
        self.output(stack, &output)
    }

    fn output(&mut self, stack: &Stack, output: &str) -> Resolved {
        match stack.outputs.get(output) {
            Some(value) => self.taken_over(value.clone(), output),
            None => {
                let what = format!("`{}` has no output `{output}`", stack.name);
                self.unknown(&what, "name an output of the other stack's template")
            }
        }
    }

    /// A value of another stack. One that is unknown there is so here.
    fn taken_over(&mut self, value: Resolved, output: &str) -> Resolved {
        match value {
            Resolved::Unknown(why) => {
                let what = format!("the output `{output}` of another stack is not known: {why}");
                self.unknown(&what, "see the place of the output in the other template")
            }
            known => known,
        }
    }
}

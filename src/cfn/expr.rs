//! Typed CloudFormation expressions.
//!
//! An [`Expr<T>`] is a value that CloudFormation knows, at the latest, when it creates the stack: a literal, or
//! an intrinsic function over parameters, pseudo parameters, resources and other stacks' outputs. The type says
//! what the value means, so that an ARN cannot stand where a name belongs. Deliberately absent: `Fn::If` and
//! conditions, because tiers are resolved at synthesis time, and `Fn::ForEach`, because service-managed stack
//! sets refuse macros.
//!
//! See <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html>.

use std::borrow::Cow;
use std::marker::PhantomData;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::LogicalId;

/// What a value means. Uninhabited types: they only ever stand as the parameter of [`Expr`].
pub mod kind {
    /// An Amazon Resource Name.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Arn {}
    /// A resource's physical name, such as a table name.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Name {}
    /// A service-assigned identifier, such as `vpc-0a1b…`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Id {}
    /// A URL or an endpoint.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Url {}
    /// Text without a more exact meaning.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Text {}
    /// A whole number.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Int {}
    /// A decimal number.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Num {}
    /// `true` or `false`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Bool {}
}

use kind::{Arn, Bool, Id, Int, Name, Num, Text, Url};

/// A pseudo parameter of CloudFormation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pseudo {
    /// `AWS::AccountId`: the twelve digits of the account the stack is in.
    AccountId,
    /// `AWS::Partition`: `aws`, `aws-cn` or `aws-us-gov`.
    Partition,
    /// `AWS::Region`.
    Region,
    /// `AWS::StackName`.
    StackName,
    /// `AWS::URLSuffix`: `amazonaws.com`, or `amazonaws.com.cn` in China.
    UrlSuffix,
    /// `AWS::NoValue`: removes the property it is given to.
    NoValue,
}

impl Pseudo {
    /// The name as a template writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccountId => "AWS::AccountId",
            Self::Partition => "AWS::Partition",
            Self::Region => "AWS::Region",
            Self::StackName => "AWS::StackName",
            Self::UrlSuffix => "AWS::URLSuffix",
            Self::NoValue => "AWS::NoValue",
        }
    }
}

/// An untyped expression: what an [`Expr`] holds, and what pieces of text are made of.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// Literal text.
    Text(Cow<'static, str>),
    /// A literal whole number.
    Int(i64),
    /// A literal decimal number.
    Num(f64),
    /// A literal truth value.
    Bool(bool),
    /// `Ref` to a resource of this template.
    Ref(LogicalId),
    /// `Ref` to a parameter of this template.
    Param(Cow<'static, str>),
    /// `Ref` to a pseudo parameter.
    Pseudo(Pseudo),
    /// `Fn::GetAtt`.
    GetAtt(LogicalId, Cow<'static, str>),
    /// Pieces run together: `Fn::Sub` where CloudFormation can substitute them, `Fn::Join` otherwise.
    Concat(Vec<Node>),
    /// `Fn::Join`.
    Join(Cow<'static, str>, Vec<Node>),
    /// `Fn::ImportValue` of an export's name.
    ImportValue(Box<Node>),
    /// `Fn::GetStackOutput`: an output of another stack, read when this stack is created or updated.
    StackOutput {
        /// The other stack's name.
        stack: Box<Node>,
        /// The output's logical name.
        output: Cow<'static, str>,
        /// The other stack's region; this stack's when absent.
        region: Option<Box<Node>>,
    },
    /// `Fn::Select` of one item.
    Select(u32, Box<Node>),
    /// `Fn::GetAZs` of the stack's region.
    AvailabilityZones,
}

impl Node {
    /// Whether `Fn::Sub` can name this piece inside its text.
    fn is_substitutable(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Ref(_) | Self::Param(_) | Self::Pseudo(_) | Self::GetAtt(..))
    }

    fn sub_text(pieces: &[Self]) -> String {
        let mut text = String::new();
        for piece in pieces {
            match piece {
                // `${` in the text belongs to somebody else, such as an IAM policy variable: `${!` keeps it literal.
                Self::Text(literal) => text.push_str(&literal.replace("${", "${!")),
                Self::Ref(id) => push_variable(&mut text, &[id.as_str()]),
                Self::Param(name) => push_variable(&mut text, &[name]),
                Self::Pseudo(pseudo) => push_variable(&mut text, &[pseudo.as_str()]),
                Self::GetAtt(id, attribute) => push_variable(&mut text, &[id.as_str(), ".", attribute]),
                _ => {}
            }
        }
        text
    }
}

fn push_variable(text: &mut String, parts: &[&str]) {
    text.push_str("${");
    for part in parts {
        text.push_str(part);
    }
    text.push('}');
}

fn single<S: Serializer, V: Serialize + ?Sized>(serializer: S, key: &str, value: &V) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(key, value)?;
    map.end()
}

/// The arguments of `Fn::GetStackOutput`, in the order the reference lists them.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StackOutputArguments<'a> {
    stack_name: &'a Node,
    output_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a Node>,
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Num(value) => serializer.serialize_f64(*value),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Ref(id) => single(serializer, "Ref", id.as_str()),
            Self::Param(name) => single(serializer, "Ref", name.as_ref()),
            Self::Pseudo(pseudo) => single(serializer, "Ref", pseudo.as_str()),
            Self::GetAtt(id, attribute) => single(serializer, "Fn::GetAtt", &[id.as_str(), attribute]),
            Self::Concat(pieces) if pieces.iter().all(Self::is_substitutable) => {
                single(serializer, "Fn::Sub", &Self::sub_text(pieces))
            }
            Self::Concat(pieces) => single(serializer, "Fn::Join", &("", pieces)),
            Self::Join(delimiter, items) => single(serializer, "Fn::Join", &(delimiter.as_ref(), items)),
            Self::ImportValue(name) => single(serializer, "Fn::ImportValue", name.as_ref()),
            Self::StackOutput { stack, output, region } => single(
                serializer,
                "Fn::GetStackOutput",
                &StackOutputArguments { stack_name: stack, output_name: output, region: region.as_deref() },
            ),
            Self::Select(index, list) => single(serializer, "Fn::Select", &(index, list)),
            Self::AvailabilityZones => single(serializer, "Fn::GetAZs", ""),
        }
    }
}

/// A typed expression: `T` is one of the [`kind`]s.
pub struct Expr<T> {
    node: Node,
    kind: PhantomData<fn() -> T>,
}

impl<T> Expr<T> {
    /// Gives an untyped expression a meaning. The caller vouches for it: everything else in this module is checked.
    #[must_use]
    pub fn from_node(node: Node) -> Self {
        Self { node, kind: PhantomData }
    }

    /// The untyped expression.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The untyped expression, taken out.
    #[must_use]
    pub fn into_node(self) -> Node {
        self.node
    }

    /// `Ref` to a parameter of the template.
    #[must_use]
    pub fn param(name: impl Into<Cow<'static, str>>) -> Self {
        Self::from_node(Node::Param(name.into()))
    }

    /// `Fn::GetAtt` of a resource of the template.
    #[must_use]
    pub fn get_att(id: &LogicalId, attribute: impl Into<Cow<'static, str>>) -> Self {
        Self::from_node(Node::GetAtt(id.clone(), attribute.into()))
    }

    /// `Ref` to a resource of the template.
    #[must_use]
    pub fn reference(id: &LogicalId) -> Self {
        Self::from_node(Node::Ref(id.clone()))
    }

    /// `Ref` to a pseudo parameter.
    #[must_use]
    pub fn pseudo(pseudo: Pseudo) -> Self {
        Self::from_node(Node::Pseudo(pseudo))
    }

    /// Pieces run together, with nothing between them. Neighbouring literals melt into one; literals alone stay a literal.
    #[must_use]
    pub fn concat(pieces: impl IntoIterator<Item = Node>) -> Self {
        let mut melted: Vec<Node> = Vec::new();
        for piece in pieces {
            let inner = match piece {
                Node::Concat(inner) => inner,
                other => vec![other],
            };
            for piece in inner {
                match (melted.last_mut(), piece) {
                    (Some(Node::Text(before)), Node::Text(after)) => before.to_mut().push_str(&after),
                    (_, piece) => melted.push(piece),
                }
            }
        }
        if melted.len() == 1
            && let Some(only) = melted.pop()
        {
            return Self::from_node(only);
        }
        if melted.is_empty() {
            return Self::from_node(Node::Text(Cow::Borrowed("")));
        }
        Self::from_node(Node::Concat(melted))
    }

    /// `Fn::Join` of the items with a delimiter between them.
    #[must_use]
    pub fn join(delimiter: impl Into<Cow<'static, str>>, items: impl IntoIterator<Item = Node>) -> Self {
        Self::from_node(Node::Join(delimiter.into(), items.into_iter().collect()))
    }

    /// `Fn::ImportValue` of an export of the same account and region.
    #[must_use]
    pub fn import_value(export: Expr<Text>) -> Self {
        Self::from_node(Node::ImportValue(Box::new(export.node)))
    }

    /// `Fn::GetStackOutput` of another stack in the same region. Unlike an export it does not lock the other stack.
    #[must_use]
    pub fn stack_output(stack: Expr<Name>, output: impl Into<Cow<'static, str>>) -> Self {
        Self::from_node(Node::StackOutput { stack: Box::new(stack.node), output: output.into(), region: None })
    }
}

impl<T> Clone for Expr<T> {
    fn clone(&self) -> Self {
        Self::from_node(self.node.clone())
    }
}

impl<T> std::fmt::Debug for Expr<T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.node.fmt(formatter)
    }
}

impl<T> PartialEq for Expr<T> {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}

impl<T> Serialize for Expr<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.node.serialize(serializer)
    }
}

impl From<&'static str> for Node {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<Pseudo> for Node {
    fn from(pseudo: Pseudo) -> Self {
        Self::Pseudo(pseudo)
    }
}

impl<T> From<Expr<T>> for Node {
    fn from(expr: Expr<T>) -> Self {
        expr.node
    }
}

/// Literals of the kinds that are text.
macro_rules! text_kinds {
    ($($kind:ty),*) => {$(
        impl From<&'static str> for Expr<$kind> {
            fn from(text: &'static str) -> Self {
                Self::from_node(text.into())
            }
        }
        impl From<String> for Expr<$kind> {
            fn from(text: String) -> Self {
                Self::from_node(text.into())
            }
        }
    )*};
}
text_kinds!(Arn, Name, Id, Url, Text);

/// Every more exact kind of text is also text.
macro_rules! widens_to_text {
    ($($kind:ty),*) => {$(
        impl From<Expr<$kind>> for Expr<Text> {
            fn from(expr: Expr<$kind>) -> Self {
                Self::from_node(expr.node)
            }
        }
    )*};
}
widens_to_text!(Arn, Name, Id, Url);

impl From<i64> for Expr<Int> {
    fn from(value: i64) -> Self {
        Self::from_node(Node::Int(value))
    }
}

impl From<u32> for Expr<Int> {
    fn from(value: u32) -> Self {
        Self::from_node(Node::Int(i64::from(value)))
    }
}

impl From<f64> for Expr<Num> {
    fn from(value: f64) -> Self {
        Self::from_node(Node::Num(value))
    }
}

impl From<i64> for Expr<Num> {
    fn from(value: i64) -> Self {
        Self::from_node(Node::Int(value))
    }
}

impl From<bool> for Expr<Bool> {
    fn from(value: bool) -> Self {
        Self::from_node(Node::Bool(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(value: impl Serialize) -> String {
        serde_json::to_string(&value).unwrap()
    }

    #[test]
    fn concat_becomes_sub_and_keeps_policy_variables_literal() {
        let bucket = LogicalId::from_path(&["t", "Files", "bucket"]);
        let expr: Expr<Text> = Expr::concat([
            Node::GetAtt(bucket.clone(), "Arn".into()),
            "/${aws:PrincipalTag/TenantId}/".into(),
            "*".into(),
        ]);
        assert_eq!(json(expr), format!(r#"{{"Fn::Sub":"${{{bucket}.Arn}}/${{!aws:PrincipalTag/TenantId}}/*"}}"#));
    }

    #[test]
    fn concat_with_a_stack_output_becomes_join() {
        let output = Expr::<Arn>::stack_output(Expr::param("CellStack"), "TableArn");
        let expr: Expr<Text> = Expr::concat([output.into(), "/index/*".into()]);
        assert_eq!(
            json(expr),
            r#"{"Fn::Join":["",[{"Fn::GetStackOutput":{"StackName":{"Ref":"CellStack"},"OutputName":"TableArn"}},"/index/*"]]}"#
        );
    }

    #[test]
    fn literals_melt() {
        let expr: Expr<Text> = Expr::concat(["a".into(), "b".into()]);
        assert_eq!(json(expr), r#""ab""#);
    }
}

//! The templates of tiers, and of tenants whose overrides make theirs different.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use super::tenancy::{Declared, declare};
use super::{Inputs, Options, SynthError};
use crate::assembly::{Digest, Draft, Scope, StackRecord, TemplateRecord};
use crate::cfn::schema::Validator;
use crate::check::Checked;
use crate::diagnostics::{Diagnostic, Sink, codes};
use crate::emit::{Expander, Template, template, yaml};
use crate::ir::{StackGraph, TierGraph};
use crate::model::component::{Code, Function};
use crate::model::{Body, Cell, ComponentName, Model, Parameter, Sharing, Tier, TierName, naming};
use crate::passes::{limits, policies, retention, tagging, validate};
use crate::render;
use crate::source::why;

/// A template as it is written.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) path: String,
    pub(super) sha256: Digest,
    /// The file.
    pub(super) bytes: Vec<u8>,
    pub(super) template: Template,
    pub(super) expander: Option<Expander>,
    record: TemplateRecord,
}

impl Shape {
    fn new(tier: &Tier, sharing: Sharing, variant: Option<String>, template: Template, options: &Options) -> Self {
        let scope = match sharing {
            Sharing::Pooled => Scope::Cell,
            Sharing::Siloed => Scope::Tenant,
        };
        let suffix = variant.as_ref().map(|variant| format!(".{variant}")).unwrap_or_default();
        let extension = if options.yaml { "yaml" } else { "json" };
        let path = format!("templates/{}-{scope}{suffix}.template.{extension}", tier.name);
        let bytes = if options.yaml { yaml(&template.value) } else { template.bytes.clone() };
        let sha256 = Digest::of(&bytes);
        let record = TemplateRecord {
            path: path.clone(),
            sha256,
            tier: tier.name.to_string(),
            scope,
            variant,
            parameters: template.parameters.iter().map(|parameter| parameter.as_str().to_owned()).collect(),
            resources: template.resources as u64,
            bytes: bytes.len() as u64,
        };
        let expander = (options.expand && sharing == Sharing::Siloed).then(|| Expander::new(&template));
        Self { path, sha256, bytes, template, expander, record }
    }

    pub(super) fn tier(&self) -> &str {
        &self.record.tier
    }

    pub(super) fn record(&self) -> TemplateRecord {
        self.record.clone()
    }
}

/// The templates of a tier.
#[derive(Debug, Default)]
pub(super) struct TierShapes {
    pub(super) cell: Option<Shape>,
    pub(super) tenant: Option<Shape>,
    /// Whose the resources of the cell's template are.
    declared: Declared,
}

/// A file of function code.
#[derive(Debug)]
struct Asset {
    path: String,
    bytes: Vec<u8>,
}

/// The templates of all tiers.
#[derive(Debug)]
pub(super) struct Shapes {
    tiers: BTreeMap<TierName, TierShapes>,
    /// What each file of function code is called in the bucket, by its path.
    keys: BTreeMap<String, String>,
    assets: Vec<Asset>,
}

impl Shapes {
    /// Renders every tier, checks what was rendered, and turns it into text.
    pub(super) fn render(
        checked: &Checked,
        inputs: &Inputs<'_>,
        options: &Options,
        sink: &mut Sink,
    ) -> Result<Self, SynthError> {
        let model = checked.model();
        let mut shapes = Self { tiers: BTreeMap::new(), keys: BTreeMap::new(), assets: Vec::new() };
        let of_tiers =
            model.tiers.iter().flat_map(|tier| &tier.members).filter_map(|member| match &member.component.body {
                Body::Function(Function { code: Code::Asset(path), .. }) => Some(path),
                _ => None,
            });
        for path in of_tiers.chain(checked.assets()) {
            shapes.collect_asset(path, inputs, sink);
        }
        let mut validator = Validator::new();
        for tier in &model.tiers {
            let mut rendered = TierShapes::default();
            let (templates, graph) = shapes.templates(model, tier, &mut validator, inputs, sink)?;
            rendered.declared = declare(tier, &graph);
            for (sharing, template) in templates {
                let shape = Shape::new(tier, sharing, None, template, options);
                match sharing {
                    Sharing::Pooled => rendered.cell = Some(shape),
                    Sharing::Siloed => rendered.tenant = Some(shape),
                }
            }
            shapes.tiers.insert(tier.name.clone(), rendered);
        }
        Ok(shapes)
    }

    /// The template of a tenant's stack with its overrides. It is checked like the tier's own.
    pub(super) fn variant(
        &self,
        model: &Model,
        tier: &Tier,
        overrides: &BTreeMap<ComponentName, Body>,
        inputs: &Inputs<'_>,
        options: &Options,
        sink: &mut Sink,
    ) -> Result<Option<Shape>, SynthError> {
        let mut tier = tier.clone();
        for member in &mut tier.members {
            if let Some(body) = overrides.get(&member.component.name) {
                member.component.body = body.clone();
            }
        }
        let (templates, _) = self.templates(model, &tier, &mut Validator::new(), inputs, sink)?;
        let own = templates.into_iter().find(|(sharing, _)| *sharing == Sharing::Siloed);
        Ok(own.map(|(sharing, template)| {
            let digest = Digest::of(&template.bytes).to_string();
            let variant = format!("v-{}", digest.get(..12).unwrap_or(&digest));
            Shape::new(&tier, sharing, Some(variant), template, options)
        }))
    }

    fn templates(
        &self,
        model: &Model,
        tier: &Tier,
        validator: &mut Validator,
        inputs: &Inputs<'_>,
        sink: &mut Sink,
    ) -> Result<(Vec<(Sharing, Template)>, TierGraph), SynthError> {
        let tier = self.with_asset_keys(tier);
        let mut graph = render::tier(model, &tier);
        let mut templates = Vec::new();
        for stack in graph.stacks_mut() {
            let what = format!("the {} template of tier `{}`", stack_word(stack), tier.name);
            tagging::run(stack, model, &tier, inputs.facts, validator);
            retention::run(stack, validator);
            validate::run(stack, validator, sink);
            policies::run(stack, sink);
            limits::run(stack, &what, &tier.origin, inputs.facts, sink)?;
            let template = template(stack, &model.ids);
            limits::size(template.bytes.len(), &what, &tier.origin, inputs.facts, sink)?;
            templates.push((stack.sharing, template));
        }
        Ok((templates, graph))
    }

    fn collect_asset(&mut self, path: &str, inputs: &Inputs<'_>, sink: &mut Sink) {
        if self.keys.contains_key(path) {
            return;
        }
        match inputs.world.read(Path::new(path)) {
            Ok(bytes) => {
                let key = format!("{}.zip", Digest::of(&bytes));
                if !self.assets.iter().any(|asset| asset.path == key) {
                    self.assets.push(Asset { path: key.clone(), bytes });
                }
                self.keys.insert(path.to_owned(), key);
            }
            Err(error) => sink.push(
                Diagnostic::new(
                    &codes::COMPONENT_ASSET,
                    crate::diagnostics::Origin::Path(path.into()),
                    format!("the code `{path}` cannot be read: {}", why(&error)),
                )
                .help("the path counts from the blueprint's folder"),
            ),
        }
    }

    /// The tier with every path of function code replaced by its key in the bucket.
    fn with_asset_keys<'t>(&self, tier: &'t Tier) -> Cow<'t, Tier> {
        if self.keys.is_empty() {
            return Cow::Borrowed(tier);
        }
        let mut tier = tier.clone();
        for member in &mut tier.members {
            if let Body::Function(function) = &mut member.component.body
                && let Code::Asset(path) = &mut function.code
                && let Some(key) = self.keys.get(path)
            {
                path.clone_from(key);
            }
        }
        Cow::Owned(tier)
    }

    /// Puts templates and function code into the assembly.
    pub(super) fn write(&self, draft: &Draft) -> Result<(), SynthError> {
        for shape in self.all() {
            draft.put(&shape.path, &shape.bytes)?;
        }
        for asset in &self.assets {
            draft.put(&format!("assets/{}", asset.path), &asset.bytes)?;
        }
        Ok(())
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Shape> {
        self.tiers.values().flat_map(|shapes| shapes.cell.iter().chain(&shapes.tenant))
    }

    pub(super) fn of(&self, tier: &TierName, sharing: Sharing) -> Option<&Shape> {
        let shapes = self.tiers.get(tier)?;
        match sharing {
            Sharing::Pooled => shapes.cell.as_ref(),
            Sharing::Siloed => shapes.tenant.as_ref(),
        }
    }

    /// Whose the resources of a tier's cell template are.
    pub(super) fn declared(&self, tier: &TierName) -> Option<&Declared> {
        self.tiers.get(tier).map(|shapes| &shapes.declared)
    }

    pub(super) fn path(&self, tier: &TierName, sharing: Sharing) -> Option<String> {
        self.of(tier, sharing).map(|shape| shape.path.clone())
    }

    /// The stacks that the tenants of a cell share: one for each tier that the cell serves and that has something to share.
    pub(super) fn cell_stacks(&self, model: &Model, cell: &Cell) -> Vec<StackRecord<'static>> {
        let served = model.tiers.iter().filter(|tier| cell.tiers.is_empty() || cell.tiers.contains(&tier.name));
        served
            .filter_map(|tier| Some((tier, self.of(&tier.name, Sharing::Pooled)?)))
            .map(|(tier, shape)| {
                let digest = naming::base32(naming::cell_fingerprint(model, &cell.name), naming::DIGEST_LENGTH);
                let value = |parameter: Parameter| match parameter {
                    Parameter::Cell => cell.name.to_string(),
                    Parameter::CellDigest => digest.clone(),
                    Parameter::Owner => model.owner.clone(),
                    Parameter::CostCenter => model.cost_center.clone(),
                    // A shared stack knows no tenant: its templates declare none of these.
                    _ => String::new(),
                };
                let parameters = shape.template.parameters.iter();
                StackRecord {
                    name: naming::cell_stack(model, &tier.name, &cell.name).into(),
                    template: shape.path.clone().into(),
                    sha256: shape.sha256,
                    account: cell.account.as_ref().map(|account| account.to_string().into()),
                    region: cell.region.to_string().into(),
                    parameters: parameters.map(|one| (one.as_str().into(), value(*one).into())).collect(),
                    tags: cell_tags(model, tier, cell),
                    depends_on: Vec::new(),
                }
            })
            .collect()
    }
}

fn stack_word(stack: &StackGraph) -> &'static str {
    match stack.sharing {
        Sharing::Pooled => "cell",
        Sharing::Siloed => "tenant",
    }
}

fn cell_tags(model: &Model, tier: &Tier, cell: &Cell) -> BTreeMap<Cow<'static, str>, Cow<'static, str>> {
    let tags: [(&'static str, String); 6] = [
        ("TenantId", tagging::SHARED.to_owned()),
        ("Tier", tier.name.to_string()),
        ("Cell", cell.name.to_string()),
        ("Environment", model.environment.clone()),
        ("Owner", model.owner.clone()),
        ("CostCenter", model.cost_center.clone()),
    ];
    tags.into_iter().map(|(key, value)| (key.into(), value.into())).collect()
}

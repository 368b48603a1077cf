//! Tenants, one after another: placed, turned into records, written, forgotten.
//!
//! Two passes go over the tenants. The first counts who already lives where, so that a newcomer never takes the room
//! of somebody whose id comes later. The second places and writes. Records and expanded templates are made on as many
//! threads as asked for, in batches whose order is kept.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use super::shapes::{Shape, Shapes};
use super::{Inputs, Options, SynthError, isolation};
use crate::assembly::{
    Assembly, AssemblyError, CDK_MANIFEST, CdkStack, CdkWriter, Digest, Draft, FileWriter, Ledger, Placement,
    StackRecord, State, TENANTS, TemplateRecord, TenantRecord, deployment_file, deployment_path,
};
use crate::check::Checked;
use crate::diagnostics::{Diagnostic, Origin, Sink, codes};
use crate::emit::escaped;
use crate::model::{
    Body, ComponentName, Entitlement, Model, Parameter, Sharing, Strategy, Tenant, Tier, TierName, naming,
};
use crate::placement::{Digests, Earlier, Placed, Placer};
use crate::prove::instances::Instances;
use crate::prove::tenancy::Deployed;

/// Tenants that are turned into records together.
const BATCH: usize = 128;
/// How many findings about tenants are kept before placing stops.
const MOST_FINDINGS: usize = 1_000;

/// Told now and then how many tenants are done.
pub type Progress<'a> = &'a (dyn Fn(u64) + Sync);

/// What was written.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) tenants: u64,
    pub(super) digest: Digest,
    pub(super) tier_counts: Vec<u64>,
    pub(super) cell_counts: Vec<u64>,
    pub(super) templates: Vec<TemplateRecord>,
    /// The templates that overrides made, sorted by path.
    pub(super) variants: Vec<Arc<Shape>>,
}

/// A tenant that has its place.
struct Job<'m> {
    tenant: Tenant,
    tier: &'m Tier,
    placed: Placed<'m>,
    fingerprint: u64,
    variant: Option<Arc<Shape>>,
}

/// A tenant's record, its line, and the template that overrides made for it.
type Entry = (TenantRecord<'static>, Vec<u8>, Option<Arc<Shape>>);

/// The records of a batch.
type Made = Result<Vec<Entry>, AssemblyError>;

/// Holds records against what is proved, as they go by.
pub(super) struct Watch<'w> {
    /// Knows the templates of tiers.
    pub(super) instances: &'w mut Instances,
    /// What a template that overrides made is declared as.
    pub(super) declare: &'w dyn Fn(&Arc<Shape>) -> Option<Deployed>,
}

/// The ledger, read beside the tenants: both are in the order of ids.
struct Beside {
    ledger: Option<Ledger>,
    current: Option<(String, String, Strategy, String)>,
}

impl Beside {
    fn open(assembly: Option<&Assembly>) -> Result<Self, AssemblyError> {
        let mut beside = Self { ledger: assembly.map(Assembly::ledger).transpose()?, current: None };
        beside.advance()?;
        Ok(beside)
    }

    fn advance(&mut self) -> Result<(), AssemblyError> {
        self.current = match &mut self.ledger {
            None => None,
            Some(ledger) => ledger.next()?.map(|entry| {
                (
                    entry.tenant.into_owned(),
                    entry.cell.into_owned(),
                    Strategy::parse(&entry.placement.strategy).unwrap_or(Strategy::Hash),
                    entry.placement.reason.into_owned(),
                )
            }),
        };
        Ok(())
    }

    /// Where a tenant lives already. Tenants must be asked for in the order of their ids.
    fn find(&mut self, tenant: &str) -> Result<Option<Earlier<'_>>, AssemblyError> {
        while self.current.as_ref().is_some_and(|(id, ..)| id.as_str() < tenant) {
            self.advance()?;
        }
        Ok(match &self.current {
            Some((id, cell, strategy, reason)) if id == tenant => Some(Earlier { cell, strategy: *strategy, reason }),
            _ => None,
        })
    }
}

/// Places all tenants and writes their records.
pub(super) fn write(
    checked: &Checked,
    inputs: &Inputs<'_>,
    shapes: &Shapes,
    draft: &Draft,
    options: &Options,
    mut instances: Option<Watch<'_>>,
    sink: &mut Sink,
) -> Result<Written, SynthError> {
    let model = checked.model();
    let mut placer = Placer::new(model, inputs.facts);
    if inputs.ledger.is_some() {
        let mut beside = Beside::open(inputs.ledger)?;
        checked.tenants().for_each::<SynthError>(model, |tenant| {
            if let Some(earlier) = beside.find(tenant.id.as_str())? {
                placer.occupy(earlier.cell);
            }
            Ok(())
        })?;
    }
    let maker = Maker::new(model, shapes, draft, inputs.git_sync);
    for cell in &model.cells {
        shapes.cell_stacks(model, cell).iter().try_for_each(|stack| maker.deployment_file(stack))?;
    }
    let mut out = Out::begin(model, shapes, draft, options, instances.as_mut())?;
    let mut placing = Placing {
        model,
        inputs,
        shapes,
        options,
        placer,
        beside: Beside::open(inputs.ledger)?,
        digests: Digests::default(),
        variants: BTreeMap::new(),
        tier_counts: vec![0; model.tiers.len()],
        found: 0,
        sink,
    };
    if options.threads <= 1 {
        let mut batch = Vec::with_capacity(BATCH);
        checked.tenants().for_each::<SynthError>(model, |tenant| {
            batch.extend(placing.place(tenant)?);
            if batch.len() == BATCH {
                out.take(maker.make(std::mem::take(&mut batch))?, inputs.progress)?;
            }
            Ok(())
        })?;
        out.take(maker.make(batch)?, inputs.progress)?;
    } else {
        on_threads(checked, &mut placing, &maker, &mut out, options.threads, inputs.progress)?;
    }
    if placing.digests.has_collision() {
        placing.sink.push(
            Diagnostic::new(&codes::ID_DIGEST_COLLISION, Origin::Derived, "two tenants' ids have the same digest")
                .help("change the blueprint's `environment` by a letter: digests begin with it"),
        );
    }
    let mut templates: BTreeMap<String, TemplateRecord> =
        shapes.all().map(|shape| (shape.path.clone(), shape.record())).collect();
    let mut variants = Vec::new();
    for shape in placing.variants.values().flatten() {
        if templates.insert(shape.path.clone(), shape.record()).is_none() {
            draft.put(&shape.path, &shape.bytes)?;
            variants.push(Arc::clone(shape));
        }
    }
    variants.sort_by(|one, other| one.path.cmp(&other.path));
    let cell_counts = placing.placer.load().to_vec();
    let tier_counts = placing.tier_counts;
    let (tenants, digest) = out.finish()?;
    let templates = templates.into_values().collect();
    Ok(Written { tenants, digest, tier_counts, cell_counts, templates, variants })
}

/// Batches go to whichever thread is free; their results are written in the order the batches were made in.
fn on_threads<'m>(
    checked: &'m Checked,
    placing: &mut Placing<'m, '_>,
    maker: &Maker<'m, '_>,
    out: &mut Out<'_, '_>,
    threads: usize,
    progress: Progress<'_>,
) -> Result<(), SynthError> {
    std::thread::scope(|scope| {
        let (to_workers, from_placing) = mpsc::sync_channel::<(usize, Vec<Job<'m>>)>(threads * 2);
        let (to_writer, from_workers) = mpsc::channel::<(usize, Made)>();
        let from_placing = Arc::new(Mutex::new(from_placing));
        for _ in 0..threads {
            let from_placing = Arc::clone(&from_placing);
            let to_writer = to_writer.clone();
            scope.spawn(move || {
                loop {
                    let received = from_placing.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((number, batch)) = received else { break };
                    if to_writer.send((number, maker.make(batch))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(to_writer);
        let mut waiting: BTreeMap<usize, Made> = BTreeMap::new();
        let mut next_to_write = 0;
        let mut sent = 0;
        let mut batch = Vec::with_capacity(BATCH);
        let mut drain = |results: &mut dyn Iterator<Item = (usize, Made)>| -> Result<(), SynthError> {
            for (number, made) in results {
                waiting.insert(number, made);
                while let Some(made) = waiting.remove(&next_to_write) {
                    next_to_write += 1;
                    out.take(made?, progress)?;
                }
            }
            Ok(())
        };
        let placed = checked.tenants().for_each::<SynthError>(placing.model, |tenant| {
            batch.extend(placing.place(tenant)?);
            if batch.len() == BATCH {
                // Workers end only when this channel does, so there is always somebody to take the batch.
                let _ = to_workers.send((sent, std::mem::replace(&mut batch, Vec::with_capacity(BATCH))));
                sent += 1;
                drain(&mut from_workers.try_iter())?;
            }
            Ok(())
        });
        let _ = to_workers.send((sent, batch));
        drop(to_workers);
        let drained = drain(&mut from_workers.iter());
        placed.and(drained)
    })
}

/// Templates of overrides that were met before.
type Variants = BTreeMap<(TierName, BTreeMap<ComponentName, Body>), Option<Arc<Shape>>>;

/// Decides where tenants live.
struct Placing<'m, 's> {
    model: &'m Model,
    inputs: &'s Inputs<'s>,
    shapes: &'s Shapes,
    options: &'s Options,
    placer: Placer<'m>,
    beside: Beside,
    digests: Digests,
    variants: Variants,
    tier_counts: Vec<u64>,
    found: usize,
    sink: &'s mut Sink,
}

impl<'m> Placing<'m, '_> {
    /// A tenant's job; nothing when there is a finding instead.
    fn place(&mut self, tenant: &Tenant) -> Result<Option<Job<'m>>, SynthError> {
        let position = self.model.tiers.iter().position(|tier| tier.name == tenant.tier);
        let Some((index, tier)) = position.and_then(|index| Some((index, self.model.tiers.get(index)?))) else {
            return Ok(None);
        };
        if self.found >= MOST_FINDINGS {
            return Ok(None);
        }
        let earlier = self.beside.find(tenant.id.as_str())?;
        let placed = match self.placer.place(tenant, tier, earlier) {
            Ok(placed) => placed,
            Err(finding) => {
                self.sink.push(*finding);
                self.found += 1;
                return Ok(None);
            }
        };
        if let Some(count) = self.tier_counts.get_mut(index) {
            *count += 1;
        }
        let variant = if tenant.overrides.is_empty() { None } else { self.variant(tier, tenant)? };
        let fingerprint = self.digests.of(self.model, &placed.cell.name, &tenant.id);
        Ok(Some(Job { tenant: tenant.clone(), tier, placed, fingerprint, variant }))
    }

    fn variant(&mut self, tier: &Tier, tenant: &Tenant) -> Result<Option<Arc<Shape>>, SynthError> {
        let key = (tier.name.clone(), tenant.overrides.clone());
        if let Some(known) = self.variants.get(&key) {
            return Ok(known.clone());
        }
        let shape = self
            .shapes
            .variant(self.model, tier, &tenant.overrides, self.inputs, self.options, self.sink)?
            .map(Arc::new);
        self.variants.insert(key, shape.clone());
        Ok(shape)
    }
}

/// Turns placed tenants into records.
struct Maker<'m, 's> {
    model: &'m Model,
    shapes: &'s Shapes,
    draft: &'s Draft,
    /// The assembly's path in its repository, if there are to be deployment files.
    git_sync: Option<&'s str>,
    /// The digests in cells' names.
    cells: BTreeMap<&'m str, String>,
}

impl<'m, 's> Maker<'m, 's> {
    fn new(model: &'m Model, shapes: &'s Shapes, draft: &'s Draft, git_sync: Option<&'s str>) -> Self {
        let digest = |cell| naming::base32(naming::cell_fingerprint(model, cell), naming::DIGEST_LENGTH);
        let cells = model.cells.iter().map(|cell| (cell.name.as_str(), digest(&cell.name))).collect();
        Self { model, shapes, draft, git_sync, cells }
    }

    fn deployment_file(&self, stack: &StackRecord<'_>) -> Result<(), AssemblyError> {
        let Some(root) = self.git_sync else { return Ok(()) };
        self.draft.put(&deployment_path(stack), deployment_file(stack, root).as_bytes()).map(drop)
    }

    fn make(&self, batch: Vec<Job<'m>>) -> Made {
        let mut buffer = Vec::new();
        batch
            .into_iter()
            .map(|job| {
                let variant = job.variant.clone();
                let record = self.record(job, &mut buffer)?;
                record.stacks.iter().try_for_each(|stack| self.deployment_file(stack))?;
                let mut line = Vec::with_capacity(1_024);
                record.write_line(&mut line).map_err(AssemblyError::from)?;
                Ok((record, line, variant))
            })
            .collect()
    }

    fn record(&self, job: Job<'m>, buffer: &mut Vec<u8>) -> Result<TenantRecord<'static>, AssemblyError> {
        let Job { tenant, tier, placed, fingerprint, variant } = job;
        let model = self.model;
        let cell = placed.cell;
        let label = naming::label(&tenant.id);
        let digest = naming::base32(fingerprint, naming::DIGEST_LENGTH);
        let owner = tenant.owner.clone().unwrap_or_else(|| model.owner.clone());
        let cost_center = tenant.cost_center.clone().unwrap_or_else(|| model.cost_center.clone());
        let account: Option<Cow<'static, str>> = placed.account.as_ref().map(|account| account.to_string().into());
        let region: Cow<'static, str> = cell.region.to_string().into();
        let shared: Option<String> =
            self.shapes.of(&tier.name, Sharing::Pooled).map(|_| naming::cell_stack(model, &tier.name, &cell.name));
        let value = |parameter: Parameter| -> &str {
            match parameter {
                Parameter::TenantId => tenant.id.as_str(),
                Parameter::TenantLabel => &label,
                Parameter::TenantDigest => &digest,
                Parameter::Cell => cell.name.as_str(),
                Parameter::CellDigest => self.cells.get(cell.name.as_str()).map_or("", String::as_str),
                Parameter::CellStack => shared.as_deref().unwrap_or(""),
                Parameter::Owner => &owner,
                Parameter::CostCenter => &cost_center,
            }
        };
        let tags: BTreeMap<Cow<'static, str>, Cow<'static, str>> = [
            ("TenantId", tenant.id.as_str()),
            ("Tier", tier.name.as_str()),
            ("Cell", cell.name.as_str()),
            ("Environment", &model.environment),
            ("Owner", &owner),
            ("CostCenter", &cost_center),
        ]
        .into_iter()
        .map(|(key, value)| (key.into(), value.to_owned().into()))
        .collect();
        let mut stacks = Vec::new();
        if let Some(shape) = variant.as_deref().or_else(|| self.shapes.of(&tier.name, Sharing::Siloed)) {
            let name = naming::tenant_stack(model, &tier.name, &label, &digest);
            let (template, sha256, parameters) = match &shape.expander {
                Some(expander) => {
                    let values: BTreeMap<Parameter, String> =
                        Parameter::ALL.into_iter().map(|parameter| (parameter, escaped(value(parameter)))).collect();
                    expander.write(buffer, |parameter| values.get(&parameter).map_or("", String::as_str));
                    let path = format!("stacks/{name}.template.json");
                    let sha256 = self.draft.put(&path, buffer)?;
                    (path, sha256, BTreeMap::new())
                }
                None => {
                    let declared = shape.template.parameters.iter();
                    let parameters = declared.map(|one| (one.as_str().into(), value(*one).to_owned().into())).collect();
                    (shape.path.clone(), shape.sha256, parameters)
                }
            };
            stacks.push(StackRecord {
                name: name.into(),
                template: template.into(),
                sha256,
                account: account.clone(),
                region: region.clone(),
                parameters,
                tags: tags.clone(),
                depends_on: shared.iter().map(|stack| stack.clone().into()).collect(),
            });
        }
        let own = tenant.entitlements.iter();
        let entitlements =
            tier.entitlements.iter().chain(own).map(|(name, one)| (name.to_string().into(), json(&one.value)));
        let entitlements = entitlements.collect();
        let state = match tenant.state {
            crate::model::State::Active => State::Active,
            crate::model::State::Suspended => State::Suspended,
        };
        Ok(TenantRecord {
            tenant: tenant.id.to_string().into(),
            name: tenant.display_name.map(Cow::Owned),
            tier: tier.name.to_string().into(),
            isolation: isolation(tier.isolation),
            state,
            cell: cell.name.to_string().into(),
            account,
            region,
            residency: tenant.residency.iter().map(|region| region.to_string().into()).collect(),
            placement: Placement { strategy: placed.strategy.as_str().into(), reason: placed.reason.into() },
            label: label.into(),
            digest: digest.into(),
            stacks,
            shared_stacks: shared.into_iter().map(Cow::Owned).collect(),
            tags,
            entitlements,
            legal_hold: tenant.legal_hold,
        })
    }
}

/// An entitlement as a record has it.
fn json(entitlement: &Entitlement) -> serde_json::Value {
    match entitlement {
        Entitlement::Truth(value) => (*value).into(),
        Entitlement::Whole(value) => (*value).into(),
        Entitlement::Decimal(value) => (*value).into(),
        Entitlement::Text(value) => value.as_str().into(),
    }
}

/// The files that grow with every tenant.
struct Out<'d, 'w> {
    watch: Option<&'d mut Watch<'w>>,
    lines: FileWriter<'d>,
    cdk: Option<CdkWriter<FileWriter<'d>>>,
    count: u64,
}

impl fmt::Debug for Out<'_, '_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Out").field("count", &self.count).finish_non_exhaustive()
    }
}

impl<'d, 'w> Out<'d, 'w> {
    fn begin(
        model: &Model,
        shapes: &Shapes,
        draft: &'d Draft,
        options: &Options,
        watch: Option<&'d mut Watch<'w>>,
    ) -> Result<Self, SynthError> {
        let lines = draft.stream(TENANTS)?;
        let mut cdk = None;
        if options.cdk {
            let mut writer = CdkWriter::new(draft.stream(CDK_MANIFEST)?)?;
            for cell in &model.cells {
                for record in &shapes.cell_stacks(model, cell) {
                    let display = format!("cells/{}/{}", cell.name, record.name);
                    writer.stack(&CdkStack {
                        record,
                        display_name: Some(&display),
                        termination_protection: true,
                        dependencies: &[],
                    })?;
                }
            }
            cdk = Some(writer);
        }
        Ok(Self { watch, lines, cdk, count: 0 })
    }

    fn take(&mut self, records: Vec<Entry>, progress: Progress<'_>) -> Result<(), SynthError> {
        use std::io::Write;
        for (record, line, variant) in records {
            self.lines.write_all(&line)?;
            self.count += 1;
            if let Some(watch) = &mut self.watch {
                if let Some(shape) = variant
                    && !watch.instances.knows(&shape.path)
                    && let Some(deployed) = (watch.declare)(&shape)
                {
                    watch.instances.declare(&deployed, shape.sha256);
                }
                watch.instances.record(self.count, &record, None);
            }
            if let Some(cdk) = &mut self.cdk {
                for stack in &record.stacks {
                    let display = format!("tenants/{}", record.tenant);
                    let dependencies: Vec<&str> = stack.depends_on.iter().map(AsRef::as_ref).collect();
                    cdk.leaf(&CdkStack {
                        record: stack,
                        display_name: Some(&display),
                        termination_protection: true,
                        dependencies: &dependencies,
                    })?;
                }
            }
        }
        progress(self.count);
        Ok(())
    }

    fn finish(self) -> Result<(u64, Digest), SynthError> {
        if let Some(cdk) = self.cdk {
            cdk.finish()?.finish()?;
        }
        Ok((self.count, self.lines.finish()?))
    }
}

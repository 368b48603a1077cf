//! Clients that people have already, with assemblies as they are: the CDK's command line, the AWS CLI, and cfn-lint as a reader
//! of deployment files.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::engine::{Engine, element, elements, is_skipped, tool};
use super::http::Answer;
use super::patience;
use super::proxy::{Fault, Proxy, Rule, put};

const CDK: &str = "target/tools/node/node_modules/.bin/cdk";
const AWS: &str = "target/tools/awscli/bin/aws";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[track_caller]
fn fine(command: &mut Command) -> String {
    let output = patience::output(command.current_dir(root()));
    // Not with its environment, which has credentials.
    let arguments: Vec<&OsStr> = command.get_args().collect();
    assert!(output.status.success(), "{:?} {arguments:?}: {}", command.get_program(), text(&output));
    text(&output)
}

fn synth(out: &Path, arguments: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
    command.args(["synth", "--no-prove", "blueprints/serverless-saas.yaml", "-o"]).arg(out).args(arguments);
    fine(&mut command);
}

fn json_of(path: PathBuf) -> Value {
    serde_json::from_reader(std::io::BufReader::new(std::fs::File::open(path).unwrap())).unwrap()
}

/// A tenant's record.
fn tenant(assembly: &Path, tenant: &str) -> Value {
    let lines = std::io::read_to_string(std::fs::File::open(assembly.join("tenants.jsonl")).unwrap()).unwrap();
    let mut records = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    records.find(|record| record["tenant"] == tenant).unwrap_or_else(|| panic!("there is no {tenant}"))
}

fn pairs(value: &Value) -> BTreeMap<String, String> {
    serde_json::from_value(value.clone()).unwrap()
}

/// Fails unless a stack stands in its account and region with the parameters and tags of its record.
#[track_caller]
fn assert_deployed(engine: &Engine, stack: &Value) {
    let key = engine.key_in(stack["account"].as_str().unwrap());
    let name = stack["name"].as_str().unwrap();
    let region = stack["region"].as_str().unwrap();
    let answer = engine.ask_as(&key, region, "cloudformation", "DescribeStacks", &[("StackName", name)]).text();
    let status = element(&answer, "StackStatus").unwrap_or_else(|| panic!("{name} is not there: {answer}"));
    assert!(status == "CREATE_COMPLETE" || status == "UPDATE_COMPLETE", "{name}: {status}");
    let found = |key: &str, value: &str| -> BTreeMap<String, String> {
        elements(&answer, key).into_iter().zip(elements(&answer, value)).collect()
    };
    assert_eq!(found("ParameterKey", "ParameterValue"), pairs(&stack["parameters"]), "{name}");
    assert_eq!(found("Key", "Value"), pairs(&stack["tags"]), "{name}");
    let template = engine.ask_as(&key, region, "cloudformation", "GetTemplate", &[("StackName", name)]).text();
    assert!(element(&template, "TemplateBody").is_some_and(|body| body.contains("Resources")), "{template}");
}

/// The CDK's command line, with the assembly as it is.
struct Cdk<'a> {
    engine: &'a Engine,
    proxy: &'a Proxy,
    assembly: &'a Path,
}

impl Cdk<'_> {
    fn command(&self, verb: &str) -> Command {
        let mut command = self.engine.client_by(tool(CDK), self.proxy.port());
        command.env("CDK_DISABLE_CLI_TELEMETRY", "1").env("NODE_NO_WARNINGS", "1");
        command.arg(verb).arg("--no-notices").arg("--app").arg(self.assembly);
        command
    }

    /// Deploys one stack with its values, and says what the command line said.
    fn deploy(&self, stack: &Value, selector: &str) -> String {
        let mut command = self.command("deploy");
        self.engine.act_in(&mut command, stack["account"].as_str().unwrap());
        command.args(["--require-approval", "never", "--exclusively", selector]);
        for (key, value) in pairs(&stack["parameters"]) {
            command.arg("--parameters").arg(format!("{}:{key}={value}", stack["name"].as_str().unwrap()));
        }
        fine(&mut command)
    }
}

/// What moto lacks and the CDK wants: stacks of assemblies are protected from then on.
fn protect(proxy: &Proxy) {
    let answer = Fault::instead(|call| call.result(&format!("<StackId>{}</StackId>", call.field("StackName"))));
    proxy.add(Rule::on("UpdateTerminationProtection", answer));
    let protected = Fault::rewrite(|_, answer| match answer.status {
        200 => Answer { body: put(&answer.text(), "EnableTerminationProtection", "true").into_bytes(), ..answer },
        _ => answer,
    });
    proxy.add(Rule::on("DescribeStacks", protected));
}

#[test]
fn the_cdk_lists_shows_compares_and_deploys() {
    let Some(engine) = Engine::moto() else { return };
    let proxy = Proxy::before(&engine);
    protect(&proxy);
    let folder = tempfile::tempdir().unwrap();
    let assembly = folder.path().join("assembly");
    synth(&assembly, &[]);
    let cdk = Cdk { engine: &engine, proxy: &proxy, assembly: &assembly };
    let before = std::io::read_to_string(std::fs::File::open(assembly.join("tenantry.json")).unwrap()).unwrap();

    let listed = fine(&mut cdk.command("ls"));
    let manifest = json_of(assembly.join("tenantry.json"));
    let cells = manifest["cells"].as_array().unwrap();
    let stacks: usize = cells.iter().map(|cell| cell["stacks"].as_array().unwrap().len()).sum();
    let count = listed.lines().filter(|line| line.starts_with("cells/") || line.starts_with("tenants/")).count();
    assert_eq!(count, stacks + manifest["tenants"]["count"].as_u64().map(|count| count as usize).unwrap(), "{listed}");

    let record = tenant(&assembly, "tenant-020");
    let own = &record["stacks"][0];
    let template = assembly.join(own["template"].as_str().unwrap());
    let shown = fine(cdk.command("synth").arg("tenants/tenant-020"));
    let Value::Object(resources) = &json_of(template.clone())["Resources"] else { panic!("no resources") };
    assert!(!resources.is_empty() && resources.keys().all(|id| shown.contains(&format!("  {id}:"))), "{shown}");

    // The same template, and one that lacks a resource.
    let diff = |old: &Path| {
        let mut command = cdk.command("diff");
        command.arg("--template").arg(old).args(["--exclusively", "tenants/tenant-020"]);
        fine(&mut command)
    };
    let same = diff(&template);
    assert!(same.contains("There were no differences"), "{same}");
    let mut smaller = json_of(template.clone());
    let id = resources.keys().next_back().unwrap();
    smaller["Resources"].as_object_mut().unwrap().remove(id);
    let old = folder.path().join("old.json");
    serde_json::to_writer(std::fs::File::create(&old).unwrap(), &smaller).unwrap();
    let differs = diff(&old);
    assert!(differs.contains("[+]") && differs.contains(id.as_str()), "{differs}");

    let cell = cells.iter().find(|cell| cell["cell"] == record["cell"]).unwrap();
    let shared = cell["stacks"].as_array().unwrap().iter().find(|stack| record["sharedStacks"][0] == stack["name"]);
    let shared = shared.unwrap();
    let name = shared["name"].as_str().unwrap();
    cdk.deploy(shared, &format!("cells/*/{name}"));
    assert_deployed(&engine, shared);
    cdk.deploy(own, "tenants/tenant-020");
    assert_deployed(&engine, own);
    let again = cdk.deploy(own, "tenants/tenant-020");
    assert!(again.contains("no changes"), "{again}");
    // The command line takes values from its arguments alone, as docs/assembly.md says.
    let mut bare = cdk.command("deploy");
    engine.act_in(&mut bare, record["account"].as_str().unwrap());
    bare.args(["--require-approval", "never", "--exclusively", "tenants/tenant-001"]);
    let output = patience::output(bare.current_dir(root()));
    assert!(!output.status.success() && text(&output).contains("missing a value"), "{}", text(&output));
    let after = std::io::read_to_string(std::fs::File::open(assembly.join("tenantry.json")).unwrap()).unwrap();
    assert_eq!(before, after, "the assembly was changed");
}

#[test]
fn the_cdk_deploys_an_expanded_assembly_without_values() {
    let Some(engine) = Engine::moto() else { return };
    let proxy = Proxy::before(&engine);
    protect(&proxy);
    let folder = tempfile::tempdir().unwrap();
    let assembly = folder.path().join("assembly");
    synth(&assembly, &["--expand"]);
    let record = tenant(&assembly, "tenant-030");
    let own = &record["stacks"][0];
    assert_eq!(own["parameters"], json!({}));
    Cdk { engine: &engine, proxy: &proxy, assembly: &assembly }.deploy(own, "tenants/tenant-030");
    assert_deployed(&engine, own);
}

#[test]
fn the_aws_cli_deploys_templates_with_their_values() {
    let Some(engine) = Engine::moto() else { return };
    let folder = tempfile::tempdir().unwrap();
    let assembly = folder.path().join("assembly");
    synth(&assembly, &[]);
    let aws = |stack: &Value, verb: &str| {
        let mut command = engine.client(tool(AWS));
        engine.act_in(&mut command, stack["account"].as_str().unwrap());
        command.args(["cloudformation", verb, "--region", stack["region"].as_str().unwrap()]);
        command.args(["--stack-name", stack["name"].as_str().unwrap(), "--capabilities", "CAPABILITY_NAMED_IAM"]);
        command
    };
    let template = |stack: &Value| assembly.join(stack["template"].as_str().unwrap());

    let record = tenant(&assembly, "tenant-030");
    let own = &record["stacks"][0];
    let mut deploy = aws(own, "deploy");
    deploy.arg("--template-file").arg(template(own)).arg("--parameter-overrides");
    deploy.args(pairs(&own["parameters"]).iter().map(|(key, value)| format!("{key}={value}")));
    deploy.arg("--tags").args(pairs(&own["tags"]).iter().map(|(key, value)| format!("{key}={value}")));
    fine(&mut deploy);
    assert_deployed(&engine, own);

    // A file of parameters, as `aws cloudformation create-stack` takes it. Moto fails at outputs of types that it ignores, such
    // as the user pool of the others.
    let record = tenant(&assembly, "tenant-020");
    let own = &record["stacks"][0];
    let list = |map: &Value, key: &str, value: &str| -> Value {
        pairs(map).into_iter().map(|(name, text)| json!({ key: name, value: text })).collect()
    };
    for (name, value) in [
        ("parameters", list(&own["parameters"], "ParameterKey", "ParameterValue")),
        ("tags", list(&own["tags"], "Key", "Value")),
    ] {
        serde_json::to_writer(std::fs::File::create(folder.path().join(name)).unwrap(), &value).unwrap();
    }
    let file = |path: &Path| format!("file://{}", path.display());
    let mut create = aws(own, "create-stack");
    create.arg("--template-body").arg(file(&template(own)));
    create.arg("--parameters").arg(file(&folder.path().join("parameters")));
    create.arg("--tags").arg(file(&folder.path().join("tags")));
    fine(&mut create);
    assert_deployed(&engine, own);
}

/// The deployment files of an assembly that stands at `deploy/assembly` in its repository.
#[test]
fn deployment_files_are_what_git_sync_reads() {
    if is_skipped() {
        return;
    }
    let repository = tempfile::tempdir().unwrap();
    let assembly = repository.path().join("deploy/assembly");
    synth(&assembly, &["--git-sync", "--git-sync-root", "deploy/assembly"]);
    fine(Command::new(env!("CARGO_BIN_EXE_tenantry")).arg("verify").arg(&assembly));
    let mut files: Vec<PathBuf> =
        assembly.join("git-sync").read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();

    // A file for every stack, with its values.
    let manifest = json_of(assembly.join("tenantry.json"));
    let cells =
        manifest["cells"].as_array().unwrap().iter().flat_map(|cell| cell["stacks"].as_array().unwrap().clone());
    let lines = std::io::read_to_string(std::fs::File::open(assembly.join("tenants.jsonl")).unwrap()).unwrap();
    let tenants = lines.lines().flat_map(|line| {
        let record: Value = serde_json::from_str(line).unwrap();
        record["stacks"].as_array().unwrap().clone()
    });
    let stacks: Vec<Value> = cells.chain(tenants).collect();
    assert_eq!(files.len(), stacks.len());
    let schema = root().join(".venv/lib").read_dir().unwrap().next().unwrap().unwrap().path();
    let schema = schema.join("site-packages/cfnlint/data/schemas/other/deployment_files/git_sync.json");
    let schema = jsonschema::validator_for(&json_of(schema)).unwrap();
    for stack in &stacks {
        let path = assembly.join(format!("git-sync/{}.yaml", stack["name"].as_str().unwrap()));
        let text = std::io::read_to_string(std::fs::File::open(&path).unwrap()).unwrap();
        let file: Value = serde_yaml::from_str(&text).unwrap();
        assert!(schema.is_valid(&file), "{text}");
        assert!(repository.path().join(file["template-file-path"].as_str().unwrap()).is_file(), "{text}");
        assert_eq!(file.get("parameters").unwrap_or(&json!({})), &stack["parameters"], "{text}");
        assert_eq!(file["tags"], stack["tags"], "{text}");
    }

    // cfn-lint finds the template from the file, and holds the values against it.
    let lint = |file: &Path| {
        let mut command = Command::new(tool(".venv/bin/cfn-lint"));
        let ignored = ["--ignore-checks", "W"];
        command.current_dir(repository.path()).args(ignored).arg("--deployment-files").arg(file).output().unwrap()
    };
    let of_cell = files.iter().find(|path| path.to_string_lossy().contains("basic-eu-1")).unwrap();
    let of_tenant = files.iter().find(|path| path.to_string_lossy().contains("tenant-030")).unwrap();
    for path in [of_cell, of_tenant] {
        let output = lint(path);
        assert!(output.status.success(), "{}", text(&output));
    }
    let good = std::io::read_to_string(std::fs::File::open(of_tenant).unwrap()).unwrap();
    for (from, to) in [("template-file-path", "template-path"), ("TenantLabel", "TenantLable")] {
        let broken = repository.path().join("broken.yaml");
        std::io::Write::write_all(&mut std::fs::File::create(&broken).unwrap(), good.replace(from, to).as_bytes())
            .unwrap();
        let output = lint(&broken);
        assert!(!output.status.success(), "`{to}` is not found: {}", text(&output));
    }
}

#[test]
fn git_sync_asks_where_the_assembly_is() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
        command.current_dir(root()).args(["synth", "--no-prove", "blueprints/serverless-saas.yaml"]);
        command.arg("-o").arg(folder.path().join("a")).args(arguments).output().unwrap()
    };
    for arguments in [&["--git-sync"][..], &["--git-sync", "--git-sync-root", "../a"]] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output).contains("say where the assembly is with `--git-sync-root`"), "{}", text(&output));
        assert!(!folder.path().join("a").exists());
    }
    assert_eq!(run(&["--git-sync-root", "a"]).status.code(), Some(2));
    let output = run(&["--git-sync", "--git-sync-root", "./"]);
    assert!(output.status.success(), "{}", text(&output));
    // Without the option the files go away again.
    assert!(folder.path().join("a/git-sync").exists());
    assert!(run(&[]).status.success());
    assert!(!folder.path().join("a/git-sync").exists());
}

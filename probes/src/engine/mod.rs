//! The script engine: one `JsRuntime` on QuickJS with the web platform, our transport below `fetch`, and the `tocsin`
//! library; everything in the binary.
//!
//! An engine has two lives. It is *warm* in the process that forks: made once, all scripts loaded, nothing of any
//! user in it, no tokio and no thread. In a run's process it is *used*: given one bundle, run once, thrown away with
//! the process. It is never used twice, so that nothing has to be cleaned.

mod embedded;
mod holes;
mod loader;
mod ops;
mod prompt;
mod record;
mod redact;
mod stack;

pub(crate) use ops::RunState;
pub(crate) use prompt::Prompt;
pub(crate) use record::{Ending, Record, Soft, Thrown, ThrownKind, clip, step_path};
pub(crate) use redact::Redactor;
pub(crate) use stack::{authors_frames, first_location};

use crate::script::{LIBRARY, LibraryModule, Module, ModuleKind, PARAMETER};
use deno_core::error::CoreError;
use deno_core::{
    Extension, ExtensionFileSource, JsRuntime, ModuleSpecifier, OpState, PollEventLoopOptions, RuntimeOptions, v8,
};
use loader::BundleLoader;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(
        "the binary lacks the scripts {0:?}: it was built from other versions of deno's crates than it was made for"
    )]
    NotEmbedded(Vec<&'static str>),
    #[error("the script engine does not start")]
    Start(#[source] CoreError),
    #[error("the script engine's host script lacks `{0}`")]
    Host(&'static str),
}

deno_core::extension!(
    tocsin_host,
    deps = [deno_webidl, deno_web, deno_crypto, deno_fetch],
    ops = [
        ops::op_step_begin,
        ops::op_step_end,
        ops::op_step_current,
        ops::op_soft_failure,
        ops::op_metric,
        ops::op_run_skip,
        ops::op_run_skipped,
        ops::op_run_left_ms,
        ops::op_log,
        ops::op_connection_info,
        ops::op_run_passed,
        ops::op_run_failed,
        ops::op_described,
        prompt::op_prompt_next,
        prompt::op_prompt_say,
        crate::markup::op_html_outline,
        crate::markup::op_html_select,
        crate::markup::op_saml_read,
    ],
);

/// Everything that a script can reach, in the order in which it is loaded.
fn extensions() -> Vec<Extension> {
    let mut extensions = vec![
        deno_webidl::deno_webidl::init(),
        deno_web::deno_web::init(
            Arc::new(deno_web::BlobStore::default()),
            None,
            false,
            deno_web::InMemoryBroadcastChannel::default(),
        ),
        deno_crypto::deno_crypto::init(None),
    ];
    extensions.extend(crate::fetch::extensions());
    extensions.push(crate::net::extension());
    let mut host = tocsin_host::init();
    let mut scripts = embedded::library();
    scripts.push(embedded::source("ext:tocsin_host/web_globals.js", include_str!("web_globals.js")));
    scripts.push(embedded::source("ext:tocsin_host/locale.js", include_str!("locale.js")));
    scripts.push(embedded::source("ext:tocsin_host/prompt.js", include_str!("prompt.js")));
    scripts.push(embedded::source("ext:tocsin_host/host.js", include_str!("host.js")));
    host.esm_files = scripts.into();
    host.esm_entry_point = Some("ext:tocsin_host/host.js");
    host.lazy_loaded_js_files = LIBRARY.iter().map(hand_over).collect::<Vec<_>>().into();
    host.synthetic_esm_modules =
        LIBRARY.iter().map(|module| (module.url, module.handed_over)).collect::<Vec<_>>().into();
    extensions.push(host);
    extensions
}

/// The script that makes a module of what `host.js` keeps for it. deno_core lets a script import a module that is made
/// of such an object, and none that itself imports extension modules.
fn hand_over(module: &LibraryModule) -> ExtensionFileSource {
    let name = module.name;
    let text = format!("(function () {{ return __bootstrap.internals.tocsinModules[\"{name}\"]; }})()");
    embedded::source(module.handed_over, &text)
}

pub(crate) struct Engine {
    runtime: JsRuntime,
    loader: Rc<BundleLoader>,
    host: Host,
}

/// The functions of `host.js`.
struct Host {
    reserve: v8::Global<v8::Function>,
    hold: v8::Global<v8::Function>,
    begin: v8::Global<v8::Function>,
    run: v8::Global<v8::Function>,
    describe: v8::Global<v8::Function>,
    abort: v8::Global<v8::Function>,
}

impl Engine {
    /// Starts an engine and loads every script, so that a fork of this process has them all. Needs no tokio, and
    /// must see none: an engine that was polled before the fork hangs after it.
    pub fn warm(heap_bytes_max: usize) -> Result<Self, EngineError> {
        let mut extensions = extensions();
        let missing: Vec<_> = extensions.iter_mut().flat_map(embedded::embed).collect();
        if !missing.is_empty() {
            return Err(EngineError::NotEmbedded(missing));
        }
        let loader = Rc::new(BundleLoader::default());
        let mut runtime = JsRuntime::try_new(RuntimeOptions {
            extensions,
            module_loader: Some(loader.clone()),
            create_params: Some(v8::CreateParams::default().heap_limits(0, heap_bytes_max)),
            ..RuntimeOptions::default()
        })
        .map_err(EngineError::Start)?;
        let host = take_host(&mut runtime)?;
        make_library_modules(&mut runtime, &loader)?;
        Ok(Self { runtime, loader, host })
    }

    /// Collects garbage, so that no run has to: a collection writes to every object there is.
    pub fn settle(&mut self) {
        self.runtime.v8_isolate().low_memory_notification();
    }

    pub fn op_state(&self) -> Rc<RefCell<OpState>> {
        self.runtime.op_state()
    }

    /// A handle that stops the running script, from a signal handler too.
    pub fn stopper(&mut self) -> v8::IsolateHandle {
        self.runtime.v8_isolate().thread_safe_handle()
    }

    /// Calls `on_exhausted` when a script is about to use more memory than it may; what it returns is the new limit.
    pub fn on_heap_exhausted(&mut self, on_exhausted: impl FnMut(usize, usize) -> usize + 'static) {
        self.runtime.add_near_heap_limit_callback(on_exhausted);
    }

    /// Has `crypto` draw from the seed, so that another run with it draws the same. What makes keys does not.
    pub fn draw_from(state: &mut OpState, seed: [u32; 4]) {
        let seed = u64::from(seed[0]) << 32 | u64::from(seed[1]);
        if let Some(draw) = deno_crypto::deno_crypto::init(Some(seed)).op_state_fn {
            draw(state);
        }
    }

    /// First thing after the fork: numbers and times of its own, and a `fetch` that answers or refuses. The script's
    /// time of day is the machine's and `clock_ms`.
    pub fn begin(&mut self, seed: [u32; 4], may_use_network: bool, clock_ms: f64) -> Result<(), CoreError> {
        self.runtime.op_state().borrow_mut().put(deno_web::StartTime::default());
        let function = self.host.begin.clone();
        deno_core::scope!(scope, &mut self.runtime);
        let [a, b, c, d] = seed.map(|word| v8::Integer::new_from_unsigned(scope, word).into());
        let clock_ms = v8::Number::new(scope, clock_ms).into();
        let arguments = [a, b, c, d, v8::Boolean::new(scope, may_use_network).into(), clock_ms];
        let undefined = v8::undefined(scope).into();
        let function = v8::Local::new(scope, function);
        function
            .call(scope, undefined, &arguments)
            .ok_or_else(|| deno_core::error::CoreErrorKind::ExecutionTerminated.into_box())
            .map(|_| ())
    }

    /// Loads and evaluates the bundle's script, and gives its default export to the host's `run`, with the order.
    pub async fn run(&mut self, modules: Arc<Vec<Module>>, order_json: &str) -> Result<(), CoreError> {
        let [exported, is_function] = self.load(modules).await?;
        let order = {
            deno_core::scope!(scope, &mut self.runtime);
            let order = v8::String::new(scope, order_json)
                .ok_or_else(|| deno_error::JsErrorBox::generic("the run's variables are too long"))?;
            v8::Global::new(scope, v8::Local::<v8::Value>::from(order))
        };
        let function = self.host.run.clone();
        self.call(&function, &[exported, is_function, order])?;
        // A script that waited for nothing has ended by now, and what it left behind changes nothing.
        if self.has_ended() { Ok(()) } else { self.turn().await }
    }

    /// Loads and evaluates the bundle's script, and records what its default export declares.
    pub async fn describe(&mut self, modules: Arc<Vec<Module>>) -> Result<(), CoreError> {
        let loaded = self.load(modules).await?;
        let function = self.host.describe.clone();
        self.call(&function, &loaded)
    }

    fn has_ended(&self) -> bool {
        let state = self.runtime.op_state();
        state.borrow().try_borrow::<RunState>().is_some_and(|run| run.record.borrow().ending.is_some())
    }

    /// Aborts `ctx.signal`.
    pub fn abort(&mut self) {
        let function = self.host.abort.clone();
        deno_core::scope!(scope, &mut self.runtime);
        let undefined = v8::undefined(scope).into();
        let function = v8::Local::new(scope, function);
        // A listener of the script that throws is reported to the script itself.
        let _ = function.call(scope, undefined, &[]);
    }

    /// Lets the script go on for as long as it has something to do.
    pub async fn turn(&mut self) -> Result<(), CoreError> {
        self.runtime.run_event_loop(PollEventLoopOptions::default()).await
    }

    /// What `host.js` runs: the default export, or where the script is one the function that gives it.
    async fn load(&mut self, modules: Arc<Vec<Module>>) -> Result<[v8::Global<v8::Value>; 2], CoreError> {
        let main = modules.first().ok_or_else(|| deno_error::JsErrorBox::generic("the bundle is empty"))?;
        let specifier = ModuleSpecifier::parse(&main.specifier)?;
        let function = if main.kind == ModuleKind::Function { self.compile(main) } else { None };
        self.loader.serve(modules);
        if let Some(function) = function {
            return Ok(function);
        }
        let id = self.runtime.load_main_es_module(&specifier).await?;
        let evaluated = self.runtime.mod_evaluate(id);
        self.runtime.with_event_loop_promise(evaluated, PollEventLoopOptions::default()).await?;
        let namespace = self.runtime.get_module_namespace(id)?;
        deno_core::scope!(scope, &mut self.runtime);
        let namespace = v8::Local::new(scope, namespace);
        let name = v8::String::new(scope, "default").ok_or_else(|| deno_error::JsErrorBox::generic("out of memory"))?;
        let exported = namespace.get(scope, name.into()).unwrap_or_else(|| v8::undefined(scope).into());
        let is_function = v8::Local::<v8::Value>::from(v8::Boolean::new(scope, false));
        Ok([v8::Global::new(scope, exported), v8::Global::new(scope, is_function)])
    }

    /// The function of a script that is one. `None` where it does not compile: its module says best why.
    fn compile(&mut self, script: &Module) -> Option<[v8::Global<v8::Value>; 2]> {
        deno_core::scope!(scope, &mut self.runtime);
        v8::tc_scope!(let scope, scope);
        let code = v8::String::new(scope, &script.code)?;
        let name = v8::String::new(scope, &script.specifier)?;
        let origin = v8::ScriptOrigin::new(scope, name.into(), 0, 0, false, 0, None, false, false, false, None);
        let mut source = v8::script_compiler::Source::new(code, Some(&origin));
        let parameter = v8::String::new(scope, PARAMETER)?;
        let function = v8::script_compiler::compile_function(
            scope,
            &mut source,
            &[parameter],
            &[],
            v8::script_compiler::CompileOptions::NoCompileOptions,
            v8::script_compiler::NoCacheReason::NoReason,
        )?;
        let is_function = v8::Local::<v8::Value>::from(v8::Boolean::new(scope, true));
        Some([v8::Global::new(scope, v8::Local::<v8::Value>::from(function)), v8::Global::new(scope, is_function)])
    }

    /// Calls a function of the host, which says through its operations how things went: what it returns is not
    /// watched, since watching costs as much as a short script.
    fn call(
        &mut self,
        function: &v8::Global<v8::Function>,
        arguments: &[v8::Global<v8::Value>],
    ) -> Result<(), CoreError> {
        deno_core::scope!(scope, &mut self.runtime);
        let arguments: Vec<_> = arguments.iter().map(|argument| v8::Local::new(scope, argument)).collect();
        let undefined = v8::undefined(scope).into();
        let function = v8::Local::new(scope, function);
        match function.call(scope, undefined, &arguments) {
            Some(_) => {
                scope.perform_microtask_checkpoint();
                Ok(())
            }
            None => Err(deno_core::error::CoreErrorKind::ExecutionTerminated.into_box()),
        }
    }
}

/// Makes the library's modules, which a script's import finds then: each run would make those that it imports anew.
fn make_library_modules(runtime: &mut JsRuntime, loader: &BundleLoader) -> Result<(), EngineError> {
    let specifier = ModuleSpecifier::parse("tocsin:warm").map_err(|_| EngineError::Host("modules"))?;
    loader.serve(Arc::new(vec![Module {
        specifier: specifier.to_string(),
        path: String::new(),
        kind: ModuleKind::Script,
        code: LIBRARY.iter().map(|module| format!("import \"{}\";", module.name)).collect(),
        source_map: None,
    }]));
    // There is nothing to wait for, and nothing here to wait on: the modules are in memory.
    let loaded = futures_util::FutureExt::now_or_never(runtime.load_side_es_module(&specifier));
    loader.serve(Arc::default());
    loaded.ok_or(EngineError::Host("modules"))?.map(drop).map_err(EngineError::Start)
}

/// Takes the host's functions off the global object, and lets it load what is loaded late otherwise.
fn take_host(runtime: &mut JsRuntime) -> Result<Host, EngineError> {
    const TAKE: &str = r#"(() => {
        const key = Symbol.for("tocsin.host");
        const host = globalThis[key];
        delete globalThis[key];
        host.preload();
        return host;
    })()"#;
    let start = |error: Box<deno_core::error::JsError>| EngineError::Start(CoreError::from(error));
    let host = runtime.execute_script("ext:tocsin_host/take.js", TAKE).map_err(start)?;
    deno_core::scope!(scope, runtime);
    let host = v8::Local::new(scope, host);
    let host = v8::Local::<v8::Object>::try_from(host).map_err(|_| EngineError::Host("host"))?;
    let function = |name: &'static str| {
        let key = v8::String::new(scope, name)?;
        let value = host.get(scope, key.into())?;
        let function = v8::Local::<v8::Function>::try_from(value).ok()?;
        Some(v8::Global::new(scope, function))
    };
    let take = |name: &'static str| function(name).ok_or(EngineError::Host(name));
    Ok(Host {
        reserve: take("reserve")?,
        hold: take("hold")?,
        begin: take("begin")?,
        run: take("run")?,
        describe: take("describe")?,
        abort: take("abort")?,
    })
}

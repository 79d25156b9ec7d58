//! The finished module in an interpreter, called as Envoy calls it, each time with what it used.

use crate::certificate::Certificate;
use crate::host::{self, Host, Step};
use crate::meter;
use crate::process::Process;
use std::collections::BTreeMap;
use std::fs;
use std::rc::Rc;
use std::sync::OnceLock;
use wasmi::{Engine, Global, Instance, Linker, Memory, Module, Store, StoreLimitsBuilder, WasmParams, WasmResults};

/// Bytes in a page of linear memory.
const PAGE: u64 = 65_536;

/// What a callback, or a few, used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Usage(pub(crate) Vec<Step>);

impl Usage {
    /// The fuel, all in all.
    pub(crate) fn fuel(&self) -> u64 {
        self.0.iter().map(|step| step.fuel).sum()
    }

    /// The number of host calls.
    pub(crate) fn calls(&self) -> usize {
        self.0.iter().filter(|step| step.is_call).count()
    }
}

/// One VM: a canary, or a worker's.
pub(crate) struct Vm {
    store: Store<Host>,
    instance: Instance,
    memory: Memory,
    count: Global,
    next_context: u32,
    root: Option<u32>,
    /// Old root contexts by their configurations, each with the streams that began under it.
    held: BTreeMap<u32, (Vec<u8>, Vec<u32>)>,
    /// What the root context was configured with.
    configuration: Vec<u8>,
}

impl Vm {
    /// A new VM in this process.
    pub(crate) fn start(process: &Rc<Process>) -> Self {
        let module = module();
        let mut store = Store::new(module.engine(), Host::new(Rc::clone(process)));
        let mut linker = Linker::new(module.engine());
        host::register(&mut linker, module);
        let instance = linker.instantiate_and_start(&mut store, module).expect("an instance");
        let memory = instance.get_memory(&store, "memory").expect("a memory");
        let count = instance.get_global(&store, meter::COUNT).expect("a count");
        store.limiter(|host| &mut host.limits);
        let (root, held, configuration) = (None, BTreeMap::new(), Vec::new());
        let mut vm = Self { store, instance, memory, count, next_context: 1, root, held, configuration };
        vm.call::<(), ()>("_initialize", ());
        vm
    }

    /// Configures the plugin as Envoy does, also anew: another root context, and then the end of the old one, unless a
    /// stream is open that began under it. One that is still there for that reason is used again as it is. Panics unless
    /// the module accepts the configuration.
    pub(crate) fn configure(&mut self, configuration: &[u8]) -> Usage {
        let old = std::mem::replace(&mut self.configuration, configuration.to_vec());
        let again = self.held.iter().find(|(_, (other, _))| other == configuration).map(|(root, _)| *root);
        if let Some(again) = again {
            self.replace(again, old);
            return Usage(Vec::new());
        }
        let new = self.context(0);
        if self.exports("proxy_on_vm_start") {
            assert_eq!(self.call::<(u32, u32), u32>("proxy_on_vm_start", (new, 0)), 1);
        }
        self.store.data_mut().configuration = configuration.to_vec();
        self.count();
        let accepted = self.call::<(u32, u32), u32>("proxy_on_configure", (new, configuration.len() as u32));
        assert_eq!(accepted, 1, "{:?}", self.host().log);
        let usage = self.counted();
        self.store.data_mut().configuration = Vec::new();
        self.replace(new, old);
        usage
    }

    fn replace(&mut self, new: u32, configuration: Vec<u8>) {
        let Some(old) = self.root.replace(new) else { return };
        match self.held.get_mut(&old) {
            Some((of, _)) => *of = configuration,
            None => self.delete(old),
        }
    }

    /// Begins a request as [`Self::request`] does and leaves its stream open.
    pub(crate) fn hold(&mut self, headers: &[(String, String)], certificate: Option<&Certificate>) {
        let root = self.root.expect("a root context");
        let stream = self.begin(headers, certificate);
        self.held.entry(root).or_default().1.push(stream);
    }

    /// Ends all streams that are open, and with them old root contexts.
    pub(crate) fn let_go(&mut self) {
        for (root, (_, streams)) in std::mem::take(&mut self.held) {
            streams.into_iter().for_each(|stream| self.delete(stream));
            if self.root != Some(root) {
                self.delete(root);
            }
        }
    }

    /// The tick that the module asked for.
    pub(crate) fn tick(&mut self) -> Usage {
        assert_ne!(self.host().tick_period, 0, "the module asked for no tick");
        let root = self.root.expect("a root context");
        self.count();
        self.call::<u32, ()>("proxy_on_tick", root);
        self.counted()
    }

    /// The beginning of a request with these headers on a connection with this certificate.
    fn begin(&mut self, headers: &[(String, String)], certificate: Option<&Certificate>) -> u32 {
        let host = self.store.data_mut();
        let bytes = |(name, value): &(String, String)| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
        host.request = headers.iter().map(bytes).collect();
        host.response = vec![(b":status".to_vec(), b"200".to_vec())];
        host.connection = certificate.map(Certificate::properties).unwrap_or_default();
        host.filter_state.clear();
        host.answer = None;
        self.count();
        let stream = self.context(self.root.expect("a root context"));
        self.call::<(u32, u32, u32), u32>("proxy_on_request_headers", (stream, headers.len() as u32, 1));
        stream
    }

    /// The same, to its end: also if the module answers it, since Envoy then calls it for the response all the same.
    pub(crate) fn request(&mut self, headers: &[(String, String)], certificate: Option<&Certificate>) -> Usage {
        let stream = self.begin(headers, certificate);
        self.call::<(u32, u32, u32), u32>("proxy_on_response_headers", (stream, 1, 0));
        self.delete(stream);
        self.counted()
    }

    /// Lets it have no more memory than it has, or as much as it likes.
    pub(crate) fn starve(&mut self, starve: bool) {
        let size = usize::try_from(self.memory()).expect("a size");
        let limits = StoreLimitsBuilder::new();
        let limits = if starve { limits.memory_size(size) } else { limits };
        self.store.data_mut().limits = limits.build();
    }

    /// What its host knows.
    pub(crate) fn host(&self) -> &Host {
        self.store.data()
    }

    /// The bytes of linear memory, which never shrinks: so the most that it ever was.
    pub(crate) fn memory(&self) -> u64 {
        self.memory.size(&self.store) * PAGE
    }

    fn context(&mut self, parent: u32) -> u32 {
        let new = self.next_context;
        self.next_context += 1;
        self.call::<(u32, u32), ()>("proxy_on_context_create", (new, parent));
        new
    }

    fn delete(&mut self, context: u32) {
        if self.exports("proxy_on_done") {
            assert_eq!(self.call::<u32, u32>("proxy_on_done", context), 1);
        }
        self.call::<u32, ()>("proxy_on_delete", context);
    }

    fn exports(&self, name: &str) -> bool {
        self.instance.get_func(&self.store, name).is_some()
    }

    fn call<P: WasmParams, R: WasmResults>(&mut self, name: &str, arguments: P) -> R {
        let function = self.instance.get_typed_func::<P, R>(&self.store, name).expect(name);
        let result = function.call(&mut self.store, arguments);
        let fuel = self.fuel();
        self.store.data_mut().step(name, false, fuel);
        result.unwrap_or_else(|error| panic!("{name}: {error}; {:?}", self.host().log))
    }

    fn count(&mut self) {
        let fuel = self.fuel();
        self.store.data_mut().start(fuel);
    }

    fn fuel(&self) -> u64 {
        self.count.get(&self.store).i64().expect("an i64").cast_unsigned()
    }

    fn counted(&self) -> Usage {
        Usage(self.host().steps.clone())
    }
}

/// The module, compiled once.
fn module() -> &'static Module {
    static MODULE: OnceLock<Module> = OnceLock::new();
    MODULE.get_or_init(|| {
        let bytes = fs::read(crate::module::path()).expect("a module that can be read");
        Module::new(&Engine::default(), meter::metered(&bytes)).expect("a module")
    })
}

//! Envoy's side of the proxy-wasm ABI 0.2.1, as far as certgate calls it. Any other call fails the test.

use crate::meter;
use crate::process::Process;
use std::collections::HashMap;
use std::rc::Rc;
use wasmi::{Caller, Error, Extern, Linker, Module, StoreLimits, Val};

/// What a host call answers.
#[derive(Clone, Copy)]
enum Status {
    Ok = 0,
    NotFound = 1,
    BadArgument = 2,
    CasMismatch = 8,
}

/// The callback by which the host gets memory to hand bytes back in.
const ALLOCATE: &str = "proxy_on_memory_allocate";

const REQUEST_HEADERS: u32 = 0;
const RESPONSE_HEADERS: u32 = 2;
const PLUGIN_CONFIGURATION: u32 = 7;
const MONOTONIC: u32 = 1;

/// Something that happened in a VM, and the fuel it used since what happened before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// The host call that the module made, or the callback that it returned from.
    pub(crate) name: String,
    /// Whether it is a host call.
    pub(crate) is_call: bool,
    /// What the module used up to here.
    pub(crate) fuel: u64,
}

/// What one VM's host knows.
pub(crate) struct Host {
    process: Rc<Process>,
    /// The plugin configuration, while it can be read.
    pub(crate) configuration: Vec<u8>,
    /// The request's headers.
    pub(crate) request: Vec<(Vec<u8>, Vec<u8>)>,
    /// The response's headers.
    pub(crate) response: Vec<(Vec<u8>, Vec<u8>)>,
    /// The properties of the connection, their paths' parts separated by NUL.
    pub(crate) connection: HashMap<&'static str, String>,
    /// The filter state of the request.
    pub(crate) filter_state: HashMap<Vec<u8>, Vec<u8>>,
    /// The status of the module's own answer.
    pub(crate) answer: Option<u32>,
    /// The metrics by their ids, with their values.
    metrics: Vec<(Vec<u8>, u64)>,
    /// The milliseconds between ticks; 0: none.
    pub(crate) tick_period: u32,
    /// The lines logged, with their levels.
    pub(crate) log: Vec<(u32, String)>,
    /// What happened since the last call of [`Host::start`].
    pub(crate) steps: Vec<Step>,
    /// The VM's count at the last of them.
    fuel: u64,
    /// What it may have.
    pub(crate) limits: StoreLimits,
}

impl Host {
    /// The host of a VM of this process.
    pub(crate) fn new(process: Rc<Process>) -> Self {
        Self {
            process,
            configuration: Vec::new(),
            request: Vec::new(),
            response: Vec::new(),
            connection: HashMap::new(),
            filter_state: HashMap::new(),
            answer: None,
            metrics: Vec::new(),
            tick_period: 0,
            log: Vec::new(),
            steps: Vec::new(),
            fuel: 0,
            limits: StoreLimits::default(),
        }
    }

    /// Begins a new list of steps, now that the VM has used this much fuel.
    pub(crate) fn start(&mut self, fuel: u64) {
        self.steps.clear();
        self.fuel = fuel;
    }

    /// Records what happened when the VM had used this much fuel.
    pub(crate) fn step(&mut self, name: &str, is_call: bool, fuel: u64) {
        self.steps.push(Step { name: name.to_owned(), is_call, fuel: fuel - self.fuel });
        self.fuel = fuel;
    }

    fn map(&mut self, number: u32) -> Option<&mut Vec<(Vec<u8>, Vec<u8>)>> {
        match number {
            REQUEST_HEADERS => Some(&mut self.request),
            RESPONSE_HEADERS => Some(&mut self.response),
            _ => None,
        }
    }
}

/// Gives the module all that it imports.
pub(crate) fn register(linker: &mut Linker<Host>, module: &Module) {
    for import in module.imports() {
        let name = import.name().to_owned();
        let signature = import.ty().func().expect("the module imports functions only").clone();
        let call = move |caller: Caller<'_, Host>, arguments: &[Val], results: &mut [Val]| {
            let mut call = Call { caller, arguments };
            call.step(&name, true);
            let status = call.answer(&name)?;
            results.fill(Val::I32(status as i32));
            Ok(())
        };
        linker.func_new(import.module(), import.name(), signature, call).expect("an import of its own name");
    }
}

/// A call of a host function.
struct Call<'a> {
    caller: Caller<'a, Host>,
    arguments: &'a [Val],
}

impl Call<'_> {
    /// Answers the call of the function with this name, if certgate has any business with it.
    fn answer(&mut self, name: &str) -> Result<Status, Error> {
        match name {
            "proxy_get_header_map_pairs" => self.header_map_pairs(),
            "proxy_add_header_map_value" => self.add_header(),
            "proxy_replace_header_map_value" => self.replace_header(),
            "proxy_remove_header_map_value" => self.remove_header(),
            "proxy_get_property" => self.property(),
            "proxy_set_property" => self.set_property(),
            "proxy_get_shared_data" => self.shared(),
            "proxy_set_shared_data" => self.set_shared(),
            "proxy_get_buffer_bytes" => self.buffer(),
            "proxy_send_local_response" => self.local_response(),
            "proxy_define_metric" => self.define_metric(),
            "proxy_increment_metric" => self.increment_metric(),
            "proxy_record_metric" => self.record_metric(),
            "proxy_log" => self.log(),
            "proxy_set_tick_period_milliseconds" => self.tick_period(),
            "proxy_get_current_time_nanoseconds" => self.wall(),
            "clock_time_get" => self.monotonic(),
            "random_get" => self.random(),
            "environ_sizes_get" => self.environment_sizes(),
            "environ_get" => self.environment(),
            other => Err(Error::new(format!("the module called {other}: {:?}", self.arguments))),
        }
    }

    fn header_map_pairs(&mut self) -> Result<Status, Error> {
        let number = self.number(0);
        let Some(map) = self.caller.data_mut().map(number) else { return Ok(Status::BadArgument) };
        let bytes = serialise(map);
        self.hand_back(1, &bytes)
    }

    fn add_header(&mut self) -> Result<Status, Error> {
        let (number, name, value) = (self.number(0), self.bytes(1), self.bytes(3));
        let Some(map) = self.caller.data_mut().map(number) else { return Ok(Status::BadArgument) };
        map.push((name, value));
        Ok(Status::Ok)
    }

    fn replace_header(&mut self) -> Result<Status, Error> {
        self.remove_header()?;
        self.add_header()
    }

    fn remove_header(&mut self) -> Result<Status, Error> {
        let (number, name) = (self.number(0), self.bytes(1));
        let Some(map) = self.caller.data_mut().map(number) else { return Ok(Status::BadArgument) };
        map.retain(|(other, _)| *other != name);
        Ok(Status::Ok)
    }

    fn property(&mut self) -> Result<Status, Error> {
        let path = String::from_utf8(self.bytes(0)).expect("a path is text");
        let value = match path.as_str() {
            "plugin_root_id" => Some("certgate".to_owned()),
            path => self.caller.data().connection.get(path).cloned(),
        };
        value.map_or(Ok(Status::NotFound), |value| self.hand_back(2, value.as_bytes()))
    }

    fn set_property(&mut self) -> Result<Status, Error> {
        let (path, value) = (self.bytes(0), self.bytes(2));
        self.caller.data_mut().filter_state.insert(path, value);
        Ok(Status::Ok)
    }

    fn shared(&mut self) -> Result<Status, Error> {
        let key = self.bytes(0);
        let Some(value) = self.caller.data().process.shared(&key) else { return Ok(Status::NotFound) };
        self.write(self.number(4), &value.version.to_le_bytes());
        self.hand_back(2, &value.bytes)
    }

    fn set_shared(&mut self) -> Result<Status, Error> {
        let (key, value, expected) = (self.bytes(0), self.bytes(2), self.number(4));
        let done = self.caller.data().process.swap_shared(key, value, expected);
        Ok(if done { Status::Ok } else { Status::CasMismatch })
    }

    fn buffer(&mut self) -> Result<Status, Error> {
        if self.number(0) != PLUGIN_CONFIGURATION {
            return Ok(Status::BadArgument);
        }
        let (start, length) = (self.number(1) as usize, self.number(2) as usize);
        let rest = self.caller.data().configuration.get(start..).unwrap_or_default();
        let piece = rest[..length.min(rest.len())].to_vec();
        self.hand_back(3, &piece)
    }

    fn local_response(&mut self) -> Result<Status, Error> {
        let status = self.number(0);
        let before = self.caller.data_mut().answer.replace(status);
        assert_eq!(before, None, "a second answer to one request");
        Ok(Status::Ok)
    }

    fn define_metric(&mut self) -> Result<Status, Error> {
        let name = self.bytes(1);
        let metrics = &mut self.caller.data_mut().metrics;
        metrics.push((name, 0));
        let id = metrics.len() as u32 - 1;
        self.write(self.number(3), &id.to_le_bytes());
        Ok(Status::Ok)
    }

    fn increment_metric(&mut self) -> Result<Status, Error> {
        let by = self.arguments[1].i64().expect("an i64");
        self.change_metric(|value| value.checked_add_signed(by).expect("counters do not go below 0"))
    }

    fn record_metric(&mut self) -> Result<Status, Error> {
        let to = self.arguments[1].i64().expect("an i64").cast_unsigned();
        self.change_metric(|_| to)
    }

    fn change_metric(&mut self, change: impl FnOnce(u64) -> u64) -> Result<Status, Error> {
        let id = self.number(0) as usize;
        let Some((_, value)) = self.caller.data_mut().metrics.get_mut(id) else { return Ok(Status::NotFound) };
        *value = change(*value);
        Ok(Status::Ok)
    }

    fn log(&mut self) -> Result<Status, Error> {
        let line = (self.number(0), String::from_utf8(self.bytes(1)).expect("a line is text"));
        self.caller.data_mut().log.push(line);
        Ok(Status::Ok)
    }

    fn tick_period(&mut self) -> Result<Status, Error> {
        self.caller.data_mut().tick_period = self.number(0);
        Ok(Status::Ok)
    }

    fn wall(&mut self) -> Result<Status, Error> {
        let now = self.caller.data().process.wall();
        self.write(self.number(0), &now.to_le_bytes());
        Ok(Status::Ok)
    }

    fn monotonic(&mut self) -> Result<Status, Error> {
        assert_eq!(self.number(0), MONOTONIC, "which clock");
        let now = self.caller.data().process.monotonic();
        self.write(self.number(2), &now.to_le_bytes());
        Ok(Status::Ok)
    }

    /// No randomness, so that tables with random seeds use the same fuel in each run.
    fn random(&mut self) -> Result<Status, Error> {
        let bytes = vec![7; self.number(1) as usize];
        self.write(self.number(0), &bytes);
        Ok(Status::Ok)
    }

    fn environment_sizes(&mut self) -> Result<Status, Error> {
        self.write(self.number(0), &[0; 4]);
        self.write(self.number(1), &[0; 4]);
        Ok(Status::Ok)
    }

    fn environment(&mut self) -> Result<Status, Error> {
        Ok(Status::Ok)
    }

    fn step(&mut self, name: &str, is_call: bool) {
        let Some(Extern::Global(count)) = self.caller.get_export(meter::COUNT) else { panic!("no count") };
        let fuel = count.get(&self.caller).i64().expect("an i64").cast_unsigned();
        self.caller.data_mut().step(name, is_call, fuel);
    }

    fn number(&self, argument: usize) -> u32 {
        self.arguments[argument].i32().expect("an i32").cast_unsigned()
    }

    /// The bytes whose address and size are this argument and the next.
    fn bytes(&self, argument: usize) -> Vec<u8> {
        let (address, size) = (self.number(argument) as usize, self.number(argument + 1) as usize);
        let Some(Extern::Memory(memory)) = self.caller.get_export("memory") else { panic!("no memory") };
        memory.data(&self.caller)[address..address + size].to_vec()
    }

    fn write(&mut self, address: u32, bytes: &[u8]) {
        let Some(Extern::Memory(memory)) = self.caller.get_export("memory") else { panic!("no memory") };
        memory.write(&mut self.caller, address as usize, bytes).expect("an address in the module's memory");
    }

    /// Hands bytes over as Envoy does: in memory that it asks the module for, their address and size where this argument
    /// and the next one say.
    fn hand_back(&mut self, argument: usize, bytes: &[u8]) -> Result<Status, Error> {
        let mut address = 0;
        if !bytes.is_empty() {
            let Some(Extern::Func(allocate)) = self.caller.get_export(ALLOCATE) else { panic!("no {ALLOCATE}") };
            let allocate = allocate.typed::<u32, u32>(&self.caller)?;
            address = allocate.call(&mut self.caller, bytes.len() as u32)?;
            assert_ne!(address, 0, "the module has no memory for {} bytes", bytes.len());
            self.step(ALLOCATE, false);
            self.write(address, bytes);
        }
        self.write(self.number(argument), &address.to_le_bytes());
        self.write(self.number(argument + 1), &(bytes.len() as u32).to_le_bytes());
        Ok(Status::Ok)
    }
}

/// Names and values as the ABI serialises them.
fn serialise(map: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = (map.len() as u32).to_le_bytes().to_vec();
    for (name, value) in map {
        bytes.extend((name.len() as u32).to_le_bytes());
        bytes.extend((value.len() as u32).to_le_bytes());
    }
    for text in map.iter().flat_map(|(name, value)| [name, value]) {
        bytes.extend(text);
        bytes.push(0);
    }
    bytes
}

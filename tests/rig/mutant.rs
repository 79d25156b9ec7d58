//! Broken variants of the finished module, made by rewriting what it imports and exports: what a test breaks is what is
//! shipped, and the product has no way in for faults.

use super::envoys::repository;
use super::module;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::PathBuf;
use walrus::ir::{BinaryOp, ExtendedLoad, LoadKind, MemArg, StoreKind, UnaryOp, Value};
use walrus::{
    ConstExpr, DataKind, FunctionBuilder, FunctionId, GlobalId, ImportKind, InstrSeqBuilder, LocalId, MemoryId, Module,
    ValType,
};

pub mod starved;

/// The key prefix of the clients' buckets in shared data.
const BUCKETS: &str = "certgate:buckets:";

/// What a host call ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// There is no such thing.
    NotFound,
    /// Another was quicker.
    CasMismatch,
    /// The host has a fault.
    InternalFailure,
}

impl Status {
    fn number(self) -> i32 {
        match self {
            Self::NotFound => 1,
            Self::CasMismatch => 8,
            Self::InternalFailure => 10,
        }
    }
}

/// Where the module is made to trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callback {
    /// When a worker is handed a configuration.
    Configure,
    /// At the first tick after that.
    Tick,
    /// At each request.
    Request,
}

impl Callback {
    /// The module's export that Envoy calls.
    pub fn export(self) -> &'static str {
        match self {
            Self::Configure => "proxy_on_configure",
            Self::Tick => "proxy_on_tick",
            Self::Request => "proxy_on_request_headers",
        }
    }
}

/// A module under the knife.
pub struct Mutant {
    module: Module,
}

impl Mutant {
    /// Starts from the finished module.
    pub fn new() -> Self {
        Self { module: Module::from_file(module::path()).expect("a module") }
    }

    /// Traps in this callback on the workers, and only while a configuration of more than `length` bytes is in force.
    /// With 0 that is every one.
    ///
    /// Envoy hands such a configuration first to a VM that it throws away (the canary), then to the main thread's VM and
    /// the workers'. The main thread's is the second VM that this process had; it serves no requests. So the first call
    /// with such a configuration does not trap, nor does that VM ever; any other does, also one that Envoy makes in a
    /// trapped one's place.
    pub fn traps_on_workers(mut self, callback: Callback, length: u32) -> Self {
        let armed = self.global(0);
        // How many VMs there were before this one, once it has been handed a configuration.
        let unknown = -1;
        let before = self.global(unknown);
        self.wrap_export(callback.export(), |body, _| {
            body.global_get(armed);
            then(body, |body| {
                body.unreachable();
            });
        });
        // Wrapped last, so that it comes first.
        let [vm, long] = ["test:vm", "test:long"].map(|name| self.counter(name));
        self.wrap_export(Callback::Configure.export(), |body, arguments| {
            body.global_get(before).i32_const(unknown).binop(BinaryOp::I32Eq);
            then(body, |body| {
                body.call(vm).global_set(before);
            });
            body.i32_const(0).global_set(armed);
            body.local_get(arguments[1]).i32_const(to_i32(length)).binop(BinaryOp::I32GtU);
            then(body, |body| {
                body.call(long).i32_const(0).binop(BinaryOp::I32Ne);
                body.global_get(before).i32_const(1).binop(BinaryOp::I32Ne);
                body.binop(BinaryOp::I32And).global_set(armed);
            });
        });
        self
    }

    /// Stores without regard to what is there already.
    pub fn store_ignores_cas(self) -> Self {
        self.replace_import("proxy_set_shared_data", |body, host, arguments| {
            let [key, key_size, value, value_size, _] = arguments else { panic!("the ABI has five") };
            for argument in [key, key_size, value, value_size] {
                body.local_get(*argument);
            }
            body.i32_const(0).call(host);
        })
    }

    /// Takes its time before it stores: turns of an empty loop.
    pub fn store_takes(mut self, turns: u32) -> Self {
        let turn = self.global(0);
        self.replace_import("proxy_set_shared_data", |body, host, arguments| {
            body.i32_const(0).global_set(turn).loop_(None, |body| {
                let again = body.id();
                body.global_get(turn).i32_const(1).binop(BinaryOp::I32Add).global_set(turn);
                body.global_get(turn).i32_const(to_i32(turns)).binop(BinaryOp::I32LtU).br_if(again);
            });
            for argument in arguments {
                body.local_get(*argument);
            }
            body.call(host);
        })
    }

    /// Ends every attempt to store a client's buckets with this status.
    pub fn buckets_store_ends_with(self, status: Status) -> Self {
        self.call_for_buckets_ends_with("proxy_set_shared_data", status)
    }

    /// Ends every attempt to read a client's buckets with this status.
    pub fn buckets_read_ends_with(self, status: Status) -> Self {
        self.call_for_buckets_ends_with("proxy_get_shared_data", status)
    }

    fn call_for_buckets_ends_with(self, name: &str, status: Status) -> Self {
        let memory = self.memory();
        self.replace_import(name, move |body, host, arguments| {
            starts_with(body, memory, (arguments[0], arguments[1]), BUCKETS);
            answer_or_call(body, status, host, arguments);
        })
    }

    /// Ends every attempt to read the property at this path with this status.
    pub fn property_ends_with(self, path: &str, status: Status) -> Self {
        let memory = self.memory();
        self.replace_import("proxy_get_property", move |body, host, arguments| {
            starts_with(body, memory, (arguments[0], arguments[1]), path);
            body.local_get(arguments[1]).i32_const(to_i32(path.len())).binop(BinaryOp::I32Eq).binop(BinaryOp::I32And);
            answer_or_call(body, status, host, arguments);
        })
    }

    /// Ends every call of this function of the host's with this status.
    pub fn call_ends_with(self, name: &str, status: Status) -> Self {
        self.replace_import(name, |body, _, _| {
            body.i32_const(status.number());
        })
    }

    /// Ends every call of this function of the host's with this status while a request is handled.
    pub fn call_under_requests_ends_with(mut self, name: &str, status: Status) -> Self {
        let under_request = self.global(0);
        for (callback, value) in [(Callback::Configure, 0), (Callback::Tick, 0), (Callback::Request, 1)] {
            self.wrap_export(callback.export(), |body, _| {
                body.i32_const(value).global_set(under_request);
            });
        }
        self.replace_import(name, |body, host, arguments| {
            body.global_get(under_request);
            answer_or_call(body, status, host, arguments);
        })
    }

    /// Sees a calendar that is so many seconds ahead.
    pub fn wall_clock_ahead(self, seconds: i64) -> Self {
        let memory = self.memory();
        self.replace_import("proxy_get_current_time_nanoseconds", move |body, host, arguments| {
            let (time, at) = (arguments[0], MemArg { align: 8, offset: 0 });
            body.local_get(time).call(host).local_get(time).local_get(time);
            body.load(memory, LoadKind::I64 { atomic: false }, at);
            body.i64_const(seconds * 1_000_000_000).binop(BinaryOp::I64Add);
            body.store(memory, StoreKind::I64 { atomic: false }, at);
        })
    }

    /// Has no more memory than so many pages of 64 KiB beyond what it starts with.
    pub fn memory_for(mut self, pages: u64) -> Self {
        let memory = self.memory();
        let memory = self.module.memories.get_mut(memory);
        memory.maximum = Some(memory.initial + pages);
        self
    }

    /// Writes it down: under the same name if it is the same module, so that tests that run at once can share it.
    pub fn write(mut self) -> PathBuf {
        let bytes = self.module.emit_wasm();
        let name = data_encoding::HEXLOWER.encode(&Sha256::digest(&bytes)[..8]);
        let folder = repository().join("target/mutants");
        fs::create_dir_all(&folder).expect("a folder for mutants");
        let path = folder.join(name).with_extension("wasm");
        if !path.is_file() {
            let mut beside = tempfile::NamedTempFile::new_in(&folder).expect("a new file");
            std::io::Write::write_all(&mut beside, &bytes).expect("a written module");
            beside.persist(&path).expect("a rename");
        }
        path
    }

    /// A new variable.
    fn global(&mut self, value: i32) -> GlobalId {
        self.module.globals.add_local(ValType::I32, true, false, ConstExpr::Value(Value::I32(value)))
    }

    fn memory(&self) -> MemoryId {
        self.module.get_memory_id().expect("one memory")
    }

    /// A function that says how often it was called before in this process, in whichever VM. No key is created twice in
    /// shared data, so the first number that is free there is the caller's alone.
    fn counter(&mut self, name: &str) -> FunctionId {
        let module = &mut self.module;
        let call = module.types.add(&[ValType::I32; 5], &[ValType::I32]);
        let (create, _) = module.add_import_func("env", "proxy_set_shared_data", call);
        // The key is the number and the name, on a page of its own behind all others. An allocator does not mind pages
        // that it did not ask for.
        let memory = module.get_memory_id().expect("one memory");
        let pages = &mut module.memories.get_mut(memory).initial;
        let key = to_i32(*pages * 65_536);
        *pages += 1;
        let bytes = [&[0; 4], name.as_bytes()].concat();
        let length = to_i32(bytes.len());
        let data = module.data.add(DataKind::Active { memory, offset: ConstExpr::Value(Value::I32(key)) }, bytes);
        module.memories.get_mut(memory).data_segments.insert(data);

        let (load, store) = (LoadKind::I32 { atomic: false }, StoreKind::I32 { atomic: false });
        let number = MemArg { align: 4, offset: 0 };
        let mut builder = FunctionBuilder::new(&mut module.types, &[], &[ValType::I32]);
        let mut body = builder.func_body();
        body.loop_(None, |body| {
            let again = body.id();
            // An empty value, with a version that no key has: refused unless there is no such key.
            body.i32_const(key).i32_const(length).i32_const(key).i32_const(0).i32_const(-1).call(create);
            then(body, |body| {
                body.i32_const(key).i32_const(key).load(memory, load, number);
                body.i32_const(1).binop(BinaryOp::I32Add).store(memory, store, number).br(again);
            });
        });
        body.i32_const(key).load(memory, load, number);
        builder.finish(Vec::new(), &mut module.funcs)
    }

    /// Puts instructions before an exported function.
    fn wrap_export(&mut self, name: &str, before: impl FnOnce(&mut InstrSeqBuilder<'_>, &[LocalId])) {
        let export = self.module.exports.get_func(name).expect("an export");
        let wrapped = self.module.replace_exported_func(export, |(body, arguments)| {
            before(body, arguments);
            for argument in arguments {
                body.local_get(*argument);
            }
            body.call(export);
        });
        wrapped.expect("a function of the module's own");
    }

    /// Puts a function of its own in place of an imported one, which the new one may call.
    fn replace_import(
        mut self,
        name: &str,
        make: impl FnOnce(&mut InstrSeqBuilder<'_>, FunctionId, &[LocalId]),
    ) -> Self {
        let import = self.module.imports.iter().find(|import| import.name == name).expect("an import");
        let ImportKind::Function(imported) = import.kind else { panic!("{name} is no function") };
        let from = import.module.clone();
        let (host, _) = self.module.add_import_func(&from, name, self.module.funcs.get(imported).ty());
        let replaced = self.module.replace_imported_func(imported, |(body, arguments)| make(body, host, arguments));
        replaced.expect("an imported function");
        self
    }
}

/// Runs these instructions if what is on the stack is true.
fn then(body: &mut InstrSeqBuilder<'_>, instructions: impl FnOnce(&mut InstrSeqBuilder<'_>)) {
    body.if_else(None, instructions, |_| ());
}

/// Leaves on the stack whether the text at this address, of this size, starts with `expected`.
fn starts_with(body: &mut InstrSeqBuilder<'_>, memory: MemoryId, (text, size): (LocalId, LocalId), expected: &str) {
    body.local_get(size).i32_const(to_i32(expected.len())).binop(BinaryOp::I32GeU);
    body.if_else(
        ValType::I32,
        |body| {
            body.i32_const(0);
            for (offset, byte) in (0..).zip(expected.bytes()) {
                let load = LoadKind::I32_8 { kind: ExtendedLoad::ZeroExtend };
                body.local_get(text).load(memory, load, MemArg { align: 1, offset });
                body.i32_const(byte.into()).binop(BinaryOp::I32Xor).binop(BinaryOp::I32Or);
            }
            body.unop(UnaryOp::I32Eqz);
        },
        |body| {
            body.i32_const(0);
        },
    );
}

/// Answers with `status` if what is on the stack is true, else with what the host answers.
fn answer_or_call(body: &mut InstrSeqBuilder<'_>, status: Status, host: FunctionId, arguments: &[LocalId]) {
    body.if_else(
        ValType::I32,
        |body| {
            body.i32_const(status.number());
        },
        |body| {
            for argument in arguments {
                body.local_get(*argument);
            }
            body.call(host);
        },
    );
}

fn to_i32(number: impl TryInto<i32>) -> i32 {
    number.try_into().ok().expect("a number that fits")
}

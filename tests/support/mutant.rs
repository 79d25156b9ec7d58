//! Broken variants of the finished module, made by rewriting what it imports and exports: what a test breaks is what is
//! shipped, and the product has no way in for faults.

use super::envoys::repository;
use super::module;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::PathBuf;
use walrus::ir::{BinaryOp, ExtendedLoad, LoadKind, MemArg, StoreKind, UnaryOp, Value};
use walrus::{
    ConstExpr, DataKind, FunctionBuilder, FunctionId, GlobalId, InstrSeqBuilder, LocalId, MemoryId, Module, ValType,
};

/// The key prefix of the clients' buckets in shared data.
pub const BUCKETS: &str = "certgate:buckets:";

/// What a host call ends with, as the ABI numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// There is no such thing.
    NotFound = 1,
    /// Another was quicker.
    CasMismatch = 8,
    /// The host has a fault.
    InternalFailure = 10,
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
    fn export(self) -> &'static str {
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
    /// Envoy hands a new configuration to a throwaway VM first (the canary), then to the main thread's, then to the
    /// workers'. So such calls are counted in the whole process, and from the third on they trap: also in the VM that
    /// Envoy makes in a trapped one's place.
    pub fn traps_on_workers(mut self, callback: Callback, length: u32) -> Self {
        let nothing = ConstExpr::Value(Value::I32(0));
        let armed = self.module.globals.add_local(ValType::I32, true, false, nothing);
        self.wrap_export(callback.export(), |body, _| trap_if(body, armed));
        // Wrapped last, so that it comes first.
        let place = self.take_place();
        self.wrap_export(Callback::Configure.export(), |body, arguments| {
            body.local_get(arguments[1]).i32_const(i32::try_from(length).expect("a length"));
            body.binop(BinaryOp::I32GtU).if_else(
                ValType::I32,
                |then| {
                    then.call(place).i32_const(2).binop(BinaryOp::I32GeU);
                },
                |otherwise| {
                    otherwise.i32_const(0);
                },
            );
            body.global_set(armed);
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

    /// Ends every attempt to store a client's buckets with this status.
    pub fn buckets_store_ends_with(self, status: Status) -> Self {
        let memory = self.memory();
        self.replace_import("proxy_set_shared_data", move |body, host, arguments| {
            starts_with(body, memory, (arguments[0], arguments[1]), BUCKETS);
            answer_or_call(body, status, host, arguments);
        })
    }

    /// Ends every attempt to read the property at this path with this status.
    pub fn property_ends_with(self, path: &str, status: Status) -> Self {
        let memory = self.memory();
        self.replace_import("proxy_get_property", move |body, host, arguments| {
            let length = i32::try_from(path.len()).expect("a short path");
            starts_with(body, memory, (arguments[0], arguments[1]), path);
            body.local_get(arguments[1]).i32_const(length).binop(BinaryOp::I32Eq).binop(BinaryOp::I32And);
            answer_or_call(body, status, host, arguments);
        })
    }

    /// Ends every call of this function of the host's with this status.
    pub fn call_ends_with(self, name: &str, status: Status) -> Self {
        self.replace_import(name, |body, _, _| {
            body.i32_const(status as i32);
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

    fn memory(&self) -> MemoryId {
        self.module.get_memory_id().expect("one memory")
    }

    /// A function that says how many VMs of this process have called it before. Nothing is created twice in shared
    /// data, so the first free number is the caller's alone.
    fn take_place(&mut self) -> FunctionId {
        const KEY: &[u8] = b"test:place:\0\0\0\0\0";
        let module = &mut self.module;
        let parameters = [ValType::I32; 5];
        let call = module.types.add(&parameters, &[ValType::I32]);
        let (create, _) = module.add_import_func("env", "proxy_set_shared_data", call);
        // A page of its own behind all others: an allocator does not mind pages that it did not ask for.
        let memory = module.get_memory_id().expect("one memory");
        let pages = &mut module.memories.get_mut(memory).initial;
        let key = i32::try_from(*pages * 65_536).expect("an address");
        *pages += 1;
        let offset = ConstExpr::Value(Value::I32(key));
        let data = module.data.add(DataKind::Active { memory, offset }, KEY.to_vec());
        module.memories.get_mut(memory).data_segments.insert(data);

        let (kind, number) = (LoadKind::I32 { atomic: false }, MemArg { align: 4, offset: 12 });
        let mut builder = FunctionBuilder::new(&mut module.types, &[], &[ValType::I32]);
        let mut body = builder.func_body();
        body.loop_(None, |again| {
            let start = again.id();
            // An empty value, with a version that no key has: refused unless there is no such key.
            again.i32_const(key).i32_const(i32::try_from(KEY.len()).expect("a length"));
            again.i32_const(key).i32_const(0).i32_const(-1).call(create);
            again.if_else(
                None,
                |taken| {
                    taken.i32_const(key).i32_const(key).load(memory, kind, number);
                    taken.i32_const(1).binop(BinaryOp::I32Add);
                    taken.store(memory, StoreKind::I32 { atomic: false }, number).br(start);
                },
                |_| (),
            );
        });
        body.i32_const(key).load(memory, kind, number);
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
        let imported = self.module.imports.get_func("env", name).expect("an import");
        let (host, _) = self.module.add_import_func("env", name, self.module.funcs.get(imported).ty());
        let replaced = self.module.replace_imported_func(imported, |(body, arguments)| make(body, host, arguments));
        replaced.expect("an imported function");
        self
    }
}

fn trap_if(body: &mut InstrSeqBuilder<'_>, flag: GlobalId) {
    body.global_get(flag).if_else(
        None,
        |then| {
            then.unreachable();
        },
        |_| (),
    );
}

/// Leaves on the stack whether the text at this address, of this size, starts with `expected`.
fn starts_with(body: &mut InstrSeqBuilder<'_>, memory: MemoryId, (text, size): (LocalId, LocalId), expected: &str) {
    body.local_get(size).i32_const(i32::try_from(expected.len()).expect("a length"));
    body.binop(BinaryOp::I32GeU).if_else(
        ValType::I32,
        |then| {
            then.i32_const(0);
            for (offset, byte) in (0..).zip(expected.bytes()) {
                then.local_get(text);
                then.load(memory, LoadKind::I32_8 { kind: ExtendedLoad::ZeroExtend }, MemArg { align: 1, offset });
                then.i32_const(byte.into()).binop(BinaryOp::I32Xor).binop(BinaryOp::I32Or);
            }
            then.unop(UnaryOp::I32Eqz);
        },
        |otherwise| {
            otherwise.i32_const(0);
        },
    );
}

/// Answers with `status` if what is on the stack is true, else with what the host answers.
fn answer_or_call(body: &mut InstrSeqBuilder<'_>, status: Status, host: FunctionId, arguments: &[LocalId]) {
    body.if_else(
        ValType::I32,
        |then| {
            then.i32_const(status as i32);
        },
        |otherwise| {
            for argument in arguments {
                otherwise.local_get(*argument);
            }
            otherwise.call(host);
        },
    );
}

//! A module whose workers get no memory for as long as a test says.

use super::{Callback, Mutant, then, to_i32};
use walrus::ir::{
    BinaryOp, Call, Instr, InstrLocId, LoadKind, MemArg, StoreKind, Value, VisitorMut, dfs_pre_order_mut,
};
use walrus::{ConstExpr, DataKind, FunctionBuilder, FunctionId, GlobalId, LocalFunction, ValType};

/// A counter of Envoy's: memory is refused while it is not 0. `POST /reset_counters` gives it back, without a request.
pub const REFUSED: &str = "wasmcustom.test_memory_refused";

/// A counter of Envoy's: how often a worker has said that it waits for nothing more, since it was ready for requests.
pub const SETTLED: &str = "wasmcustom.test_settled";

/// A request with more headers than this refuses memory from then on.
pub const MANY: usize = 64;

const PREFIX: &str = "wasmcustom.";

/// Envoy's kind of metric that only grows.
const COUNTER: i32 = 0;

impl Mutant {
    /// Gets no memory on workers from a request with more than [`MANY`] headers on, until [`REFUSED`] is 0 again.
    /// Workers are VMs that have seen a request: neither the canary nor the main thread's VM has.
    ///
    /// While Envoy asks a module for memory, it answers no call of the module's. So each callback looks at its beginning.
    pub fn memory_can_be_refused(mut self) -> Self {
        let [refused, is_worker] = [(); 2].map(|()| self.global(0));
        let counted = self.metric(REFUSED);
        let settled = self.metric(SETTLED);
        let look = self.look(&counted, is_worker, refused);
        self.growth_depends_on(refused);
        for callback in [Callback::Configure, Callback::Tick] {
            self.wrap_export(callback.export(), |body, _| {
                body.call(look);
            });
        }
        self.wrap_export(Callback::Request.export(), |body, arguments| {
            body.i32_const(1).global_set(is_worker);
            body.local_get(arguments[1]).i32_const(to_i32(MANY)).binop(BinaryOp::I32GtU);
            then(body, |body| {
                body.call(counted.add);
            });
            body.call(look);
        });
        self.replace_import("proxy_set_tick_period_milliseconds", |body, host, arguments| {
            body.local_get(arguments[0]).i32_const(0).binop(BinaryOp::I32Eq);
            body.global_get(is_worker).binop(BinaryOp::I32And);
            then(body, |body| {
                body.call(settled.add);
            });
            body.local_get(arguments[0]).call(host);
        })
    }

    /// A function that sets `refused` to whether memory is refused in this VM.
    fn look(&mut self, counted: &Metric, is_worker: GlobalId, refused: GlobalId) -> FunctionId {
        let memory = self.memory();
        let mut builder = FunctionBuilder::new(&mut self.module.types, &[], &[]);
        let mut body = builder.func_body();
        body.call(counted.read);
        body.i32_const(counted.value).load(memory, LoadKind::I32 { atomic: false }, WORD);
        body.i32_const(0).binop(BinaryOp::I32Ne).global_get(is_worker).binop(BinaryOp::I32And).global_set(refused);
        builder.finish(Vec::new(), &mut self.module.funcs)
    }

    /// Has all memory come through a function that has none while `refused` is not 0.
    fn growth_depends_on(&mut self, refused: GlobalId) {
        let memory = self.memory();
        let existing: Vec<FunctionId> = self.module.funcs.iter_local().map(|(id, _)| id).collect();
        let pages = self.module.locals.add(ValType::I32);
        let mut builder = FunctionBuilder::new(&mut self.module.types, &[ValType::I32], &[ValType::I32]);
        builder.func_body().global_get(refused).if_else(
            ValType::I32,
            |body| {
                body.i32_const(-1);
            },
            |body| {
                body.local_get(pages).memory_grow(memory);
            },
        );
        let grow = builder.finish(vec![pages], &mut self.module.funcs);
        let mut calls = Calls { grow, found: 0 };
        for id in existing {
            let function = self.module.funcs.get_mut(id).kind.unwrap_local_mut();
            dfs_pre_order_mut(&mut calls, function, LocalFunction::entry_block(function));
        }
        assert!(calls.found > 0, "a module that asks for memory");
    }

    /// Functions that add to this counter and read it.
    fn metric(&mut self, name: &str) -> Metric {
        let name = name.strip_prefix(PREFIX).expect("Envoy's name of a filter's metric");
        let id = self.global(-1);
        let module = &mut self.module;
        let mut import = |name: &str, parameters: &[ValType]| {
            let kind = module.types.add(parameters, &[ValType::I32]);
            module.add_import_func("env", name, kind).0
        };
        let (number, long) = (ValType::I32, ValType::I64);
        let define = import("proxy_define_metric", &[number; 4]);
        let increment = import("proxy_increment_metric", &[number, long]);
        let get = import("proxy_get_metric", &[number; 2]);
        // A page of its own behind all others: what is read, its id, and its name.
        let memory = module.get_memory_id().expect("one memory");
        let pages = &mut module.memories.get_mut(memory).initial;
        let value = to_i32(*pages * 65_536);
        *pages += 1;
        let (id_at, name_at) = (value + 8, value + 16);
        let offset = ConstExpr::Value(Value::I32(name_at));
        let data = module.data.add(DataKind::Active { memory, offset }, name.as_bytes().to_vec());
        module.memories.get_mut(memory).data_segments.insert(data);

        let mut function = |then_do: &dyn Fn(&mut walrus::InstrSeqBuilder<'_>)| {
            let mut builder = FunctionBuilder::new(&mut module.types, &[], &[]);
            let mut body = builder.func_body();
            body.global_get(id).i32_const(-1).binop(BinaryOp::I32Eq);
            then(&mut body, |body| {
                body.i32_const(COUNTER).i32_const(name_at).i32_const(to_i32(name.len())).i32_const(id_at);
                body.call(define).drop();
                body.i32_const(id_at).load(memory, LoadKind::I32 { atomic: false }, WORD).global_set(id);
            });
            then_do(&mut body);
            builder.finish(Vec::new(), &mut module.funcs)
        };
        let add = function(&|body| {
            body.global_get(id).i64_const(1).call(increment).drop();
        });
        let read = function(&|body| {
            body.i32_const(value).i32_const(0).store(memory, StoreKind::I32 { atomic: false }, WORD);
            body.global_get(id).i32_const(value).call(get).drop();
        });
        Metric { add, read, value }
    }
}

/// A counter.
struct Metric {
    /// The function that adds one.
    add: FunctionId,
    /// The function that reads it,
    read: FunctionId,
    /// and where it puts it.
    value: i32,
}

const WORD: MemArg = MemArg { align: 4, offset: 0 };

/// Puts calls of a function into the place of what asks the VM for memory.
struct Calls {
    grow: FunctionId,
    found: usize,
}

impl VisitorMut for Calls {
    fn visit_instr_mut(&mut self, instruction: &mut Instr, _: &mut InstrLocId) {
        if let Instr::MemoryGrow(_) = instruction {
            *instruction = Instr::Call(Call { func: self.grow });
            self.found += 1;
        }
    }
}

//! Makes a module count what it executes. The interpreter's own fuel will not do: it charges for a function when it is
//! entered, whichever of its branches are taken, so it tells the size of the code more than its work.
//!
//! Fuel here is WebAssembly instructions executed, `block`, `loop` and their like aside, and one more for every 64 bytes
//! that an instruction copies or fills. It is counted in a global, at the head of each piece of code that is run from its
//! beginning to its end: pieces end at branches and at calls, so that the global is right whenever the host looks at it.

use walrus::ir::{
    BinaryOp, Binop, Const, GlobalGet, GlobalSet, Instr, InstrLocId, InstrSeqId, LocalGet, LocalTee, UnaryOp, Unop,
    Value,
};
use walrus::{ConstExpr, GlobalId, LocalFunction, LocalId, Module, ValType};

/// The name under which the module exports its count.
pub(crate) const COUNT: &str = "fuel";

/// Bytes are copied so many for one unit of fuel: 2 to the power of this.
const BYTES_COPIED: i64 = 6;

/// The module, and the count beside what it has.
pub(crate) fn metered(module: &[u8]) -> Vec<u8> {
    let mut module = Module::from_buffer(module).expect("a module");
    let count = module.globals.add_local(ValType::I64, true, false, ConstExpr::Value(Value::I64(0)));
    module.exports.add(COUNT, count);
    let size = module.locals.add(ValType::I32);
    let meter = Meter { count, size };
    module.funcs.iter_local_mut().for_each(|(_, function)| meter.apply(function));
    module.emit_wasm()
}

struct Meter {
    count: GlobalId,
    /// A local for sizes.
    size: LocalId,
}

impl Meter {
    fn apply(&self, function: &mut LocalFunction) {
        let mut pending = vec![function.entry_block()];
        while let Some(id) = pending.pop() {
            self.rewrite(function, id, &mut pending);
        }
    }

    fn rewrite(&self, function: &mut LocalFunction, id: InstrSeqId, pending: &mut Vec<InstrSeqId>) {
        let instructions = &mut function.block_mut(id).instrs;
        let mut rewritten = Vec::new();
        let mut piece = Vec::new();
        let mut cost = 0;
        for (instruction, location) in std::mem::take(instructions) {
            let ends = match &instruction {
                Instr::Block(block) => {
                    pending.push(block.seq);
                    true
                }
                Instr::Loop(block) => {
                    pending.push(block.seq);
                    true
                }
                Instr::IfElse(branches) => {
                    pending.extend([branches.consequent, branches.alternative]);
                    cost += 1;
                    true
                }
                Instr::TryTable(_) | Instr::Try(_) | Instr::BrOnNull(_) | Instr::BrOnNonNull(_) => {
                    panic!("the meter does not know {instruction:?}")
                }
                other => {
                    cost += 1;
                    matches!(
                        other,
                        Instr::Br(_) | Instr::BrIf(_) | Instr::BrTable(_) | Instr::Call(_) | Instr::CallIndirect(_)
                    )
                }
            };
            if matches!(instruction, Instr::MemoryCopy(_) | Instr::MemoryFill(_)) {
                piece.extend(self.add_size().map(|instruction| (instruction, location)));
            }
            piece.push((instruction, location));
            if ends {
                rewritten.extend(self.add(cost).into_iter().flatten().map(|instruction| (instruction, location)));
                rewritten.append(&mut piece);
                cost = 0;
            }
        }
        let location = InstrLocId::default();
        rewritten.extend(self.add(cost).into_iter().flatten().map(|instruction| (instruction, location)));
        rewritten.append(&mut piece);
        *instructions = rewritten;
    }

    /// Counts this much, if it is anything.
    fn add(&self, cost: i64) -> Option<[Instr; 4]> {
        let instructions = [
            Instr::GlobalGet(GlobalGet { global: self.count }),
            Instr::Const(Const { value: Value::I64(cost) }),
            Instr::Binop(Binop { op: BinaryOp::I64Add }),
            Instr::GlobalSet(GlobalSet { global: self.count }),
        ];
        (cost != 0).then_some(instructions)
    }

    /// Counts the bytes of the instruction that follows, whose size is the last of its operands.
    fn add_size(&self) -> [Instr; 8] {
        [
            Instr::LocalTee(LocalTee { local: self.size }),
            Instr::LocalGet(LocalGet { local: self.size }),
            Instr::Unop(Unop { op: UnaryOp::I64ExtendUI32 }),
            Instr::Const(Const { value: Value::I64(BYTES_COPIED) }),
            Instr::Binop(Binop { op: BinaryOp::I64ShrU }),
            Instr::GlobalGet(GlobalGet { global: self.count }),
            Instr::Binop(Binop { op: BinaryOp::I64Add }),
            Instr::GlobalSet(GlobalSet { global: self.count }),
        ]
    }
}

#[test]
fn what_runs_is_counted_and_nothing_else() {
    let mut module = Module::default();
    let rounds = module.locals.add(ValType::I32);
    let mut function = walrus::FunctionBuilder::new(&mut module.types, &[ValType::I32], &[]);
    function.func_body().block(None, |outer| {
        let outside = outer.id();
        outer.local_get(rounds).unop(UnaryOp::I32Eqz).br_if(outside);
        outer.loop_(None, |round| {
            let again = round.id();
            round.local_get(rounds).i32_const(1).binop(BinaryOp::I32Sub).local_tee(rounds).br_if(again);
        });
        outer.i32_const(7).drop();
    });
    let function = function.finish(vec![rounds], &mut module.funcs);
    module.exports.add("run", function);
    let metered = metered(&module.emit_wasm());

    let counted = |rounds: i32| {
        let engine = wasmi::Engine::default();
        let mut store = wasmi::Store::new(&engine, ());
        let module = wasmi::Module::new(&engine, &metered).expect("a module");
        let instance = wasmi::Linker::new(&engine).instantiate_and_start(&mut store, &module).expect("an instance");
        let run = instance.get_typed_func::<i32, ()>(&store, "run").expect("a function");
        run.call(&mut store, rounds).expect("an end");
        instance.get_global(&store, COUNT).expect("a count").get(&store).i64().expect("an i64")
    };
    assert_eq!(counted(0), 3, "the way out");
    assert_eq!(counted(1), 3 + 5 + 2);
    assert_eq!(counted(100), 3 + 100 * 5 + 2);
}

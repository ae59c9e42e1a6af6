"""Machine code of 64-bit ARM: hand-written listings, and what LLVM writes for it, on any machine."""

import pytest
from llvmlite import binding

from fastsym.regression.assembly import aarch64, fingerprint_assembly


def fingerprint(*lines):
    code = ["kernel:", *lines, "ret"]
    text = "\n".join(line if line.endswith(":") else "\t" + line.replace(" ", "\t", 1) for line in code)
    return fingerprint_assembly(text, "aarch64")


def only_loop(*body, before=()):
    (found,) = fingerprint(*before, ".LBB0_1:", *body, "b.ne .LBB0_1")["loops"]
    return found


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("fmla v1.2d, v0.2d, v2.2d", ("fma", "128")),
        ("fmla.2d v1, v0, v2", ("fma", "128")),
        ("fmla v1.4s, v0.4s, v2.s[1]", ("fma", "128")),
        ("fmul v1.2s, v0.2s, v2.2s", ("mul", "64")),
        ("fnmsub d0, d1, d2, d3", ("fma", "scalar")),
        ("fmad z0.d, p0/m, z1.d, z2.d", ("fma", "128")),
        ("fmul d0, d1, v2.d[1]", ("mul", "scalar")),
        ("fsub s0, s1, s2", ("add", "scalar")),
        ("fdiv v0.2d, v1.2d, v2.2d", ("div", "128")),
        ("fsqrt d0, d1", ("sqrt", "scalar")),
        ("fmaxnm v0.2d, v1.2d, v2.2d", ("minmax", "128")),
        ("fcmgt v0.2d, v1.2d, #0.0", ("compare", "128")),
        ("fcmp d0, d1", ("compare", "scalar")),
        ("frintm v0.2d, v1.2d", ("round", "128")),
        ("scvtf d0, x1", ("convert", "scalar")),
        ("fcvtl v0.2d, v1.2s", ("convert", "128")),
        ("dup v0.2d, v1.d[0]", ("broadcast", "128")),
        ("ld1r { v0.2d }, [x0]", ("broadcast", "128")),
        ("ld1d { z0.d }, p0/z, [x0, z1.d, lsl #3]", ("gather", "128")),
        ("ld1d { z0.d }, p0/z, [x0, x1, lsl #3]", None),
        ("zip1 v0.2d, v1.2d, v2.2d", ("shuffle", "128")),
        ("mov v0.d[1], v1.d[0]", ("shuffle", "128")),
        ("shl v0.2d, v1.2d, #52", ("integer", "128")),
        ("udiv x0, x1, x2", ("integer div", "scalar")),
        ("mov v0.16b, v1.16b", None),
        ("mov x0, x1", None),
        ("add x0, x1, x2", None),
        ("cmp x0, #1", None),
        ("ldr q0, [x0]", None),
    ],
)
def test_kinds_of_instructions(instruction, expected):
    assert aarch64.classify(*aarch64.read(instruction.replace(" ", "\t", 1))) == expected


@pytest.mark.parametrize("end", ["b.ne .LBB0_1", "cbnz x0, .LBB0_1", "tbz w0, #3, .LBB0_1"])
def test_loops_of_every_kind_of_branch(end):
    (found,) = fingerprint(".LBB0_1:", "fadd d0, d1, d2", end)["loops"]
    assert found["operations"] == {"scalar": {"add": 1}}
    assert (found["hot"], found["width"], found["instructions"]) == (True, 0, 2)


def test_a_way_out_and_a_jump_over_are_no_loops():
    found = fingerprint("cbz x0, .LBB0_2", "fadd d0, d1, d2", "b .LBB0_3", ".LBB0_2:", "brk #0x1", ".LBB0_3:")
    assert (found["loops"], found["instructions"]) == ([], 5)


def test_jump_tables_keep_their_loop():
    code = [".LBB0_1:", "br x8", ".LBB0_2:", "fadd d0, d1, d2", ".LBB0_3:", "fmul d0, d1, d2", "b.ne .LBB0_1"]
    table = [".LJTI0_0:", ".byte (.LBB0_2-.LBB0_2)>>2", ".hword (.LBB0_3-.LBB0_2)>>2"]
    (found,) = fingerprint(*code, "ret", *table)["loops"]
    assert found["operations"] == {"scalar": {"add": 1, "mul": 1}}


def test_memory_and_stack():
    body = [
        "ldp q0, q1, [x0], #32",
        "ldr d2, [x1, x2, lsl #3]",
        "str q0, [x3, #16]!",
        "ldr x4, [x5]",
        "ldr q6, [sp, #16]",
        "stp q7, q8, [sp, #32]",
        "str x9, [sp, #8]",
        "ldur q10, [x29, #-16]",
    ]
    expected = {"integer stores": 1, "vector reloads": 1, "vector stores": 2}
    plain = only_loop(*body)
    assert plain["operations"] == {"128": {"load": 3, "store": 1}, "scalar": {"load": 1}}
    assert plain["stack"] == expected
    framed = only_loop(*body, before=["mov x29, sp"])
    assert framed["operations"] == {"128": {"load": 2, "store": 1}, "scalar": {"load": 1}}
    assert framed["stack"] == expected | {"vector reloads": 2}


@pytest.mark.parametrize(
    "before",
    [
        ["adrp x8, exp", "add x8, x8, :lo12:exp"],
        ["adrp x8, :got:exp", "ldr x8, [x8, :got_lo12:exp]"],
        ["movz x8, #:abs_g0_nc:exp", "movk x8, #:abs_g1:exp"],
        ["movk x9, #:abs_g3:exp", "mov x8, x9"],
        ["movk x9, #:abs_g3:exp", "stp x7, x9, [sp, #16]", "movk x9, #:abs_g3:sin", "ldr x8, [sp, #24]"],
        ["cbz x1, .LBB0_7", "movk x8, #:abs_g3:exp", "b .LBB0_1", ".LBB0_7:", "movk x8, #:abs_g3:exp"],
    ],
)
def test_calls_by_address_have_names(before):
    assert only_loop("blr x8", before=before)["calls"] == {"exp": 1}
    assert only_loop("bl exp", before=before)["calls"] == {"exp": 1}
    assert only_loop("blr x10", before=before)["calls"] == {"indirect": 1}


CODE = """
target triple = "{triple}"
declare <2 x double> @llvm.fma.v2f64(<2 x double>, <2 x double>, <2 x double>)
declare double @sin(double)
define <2 x double> @kernel(<2 x double> %x, double %y, i64 %n) {{
entry:
  br label %vectors
vectors:
  %i = phi i64 [ 0, %entry ], [ %i.next, %vectors ]
  %s = phi <2 x double> [ %x, %entry ], [ %s.next, %vectors ]
  %product = call <2 x double> @llvm.fma.v2f64(<2 x double> %s, <2 x double> %x, <2 x double> %x)
  %s.next = fdiv <2 x double> %product, %x
  %i.next = add i64 %i, 1
  %more = icmp ult i64 %i.next, %n
  br i1 %more, label %vectors, label %numbers
numbers:
  %j = phi i64 [ 0, %vectors ], [ %j.next, %numbers ]
  %t = phi double [ %y, %vectors ], [ %t.next, %numbers ]
  %sine = call double @sin(double %t)
  %t.next = fadd double %sine, %y
  %j.next = add i64 %j, 1
  %on = icmp ult i64 %j.next, %n
  br i1 %on, label %numbers, label %end
end:
  %result = insertelement <2 x double> %s.next, double %t.next, i32 0
  ret <2 x double> %result
}}
"""


@pytest.mark.parametrize(
    ("triple", "features", "machine", "model"),
    [
        ("aarch64-unknown-linux-gnu", "", "aarch64", "small"),
        ("aarch64-unknown-linux-gnu", "", "aarch64", "large"),
        ("arm64-apple-darwin", "", "arm64", "small"),
        ("x86_64-unknown-linux-gnu", "+avx2,+fma", "x86_64", "small"),
        ("x86_64-unknown-linux-gnu", "+avx2,+fma", "x86_64", "large"),
    ],
)
def test_llvm_code_for_every_processor_has_the_same_loops(triple, features, machine, model):
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    target = binding.Target.from_triple(triple).create_target_machine(features=features, codemodel=model)
    listing = target.emit_assembly(binding.parse_assembly(CODE.format(triple=triple)))
    vectors, numbers = fingerprint_assembly(listing, machine)["loops"]
    assert vectors["operations"] == {"128": {"div": 1, "fma": 1}}
    assert (vectors["width"], vectors["calls"], vectors["stack"]) == (128, {}, {})
    assert numbers["operations"]["scalar"]["add"] == 1
    assert {name.removeprefix("_") for name in numbers["calls"]} == {"sin"}
    assert numbers["hot"]

"""Fingerprints of machine code: hand-written listings, kernels compiled in two versions, and the simd kernel itself."""

import ast
import importlib.util
import json
import platform
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import fastsym
from fastsym.model.params import Params
from fastsym.regression import assembly
from fastsym.regression.assembly import Fingerprints, find_loops, fingerprint_assembly, x86_64
from fastsym.regression.codediff import compare, explain, match_loops
from fastsym.timing.roofline import fewest_operations

supported_only = pytest.mark.skipif(
    platform.machine().lower() not in assembly.MACHINES, reason="reads the assembly of x86-64 and 64-bit ARM only"
)

# Hand-written listings


def listing(*parts, name="_ZN5tests6kernelB2v1E"):
    lines = [f"\t.type\t{name},@function", f"{name}:", *parts, "\tretq", ".Lfunc_end0:"]
    return "\n".join(part if part.endswith(":") else "\t" + part.strip().replace(" ", "\t", 1) for part in lines)


def loop(label, *body, end="jne"):
    return [f".LBB0_{label}:", *body, f"{end} .LBB0_{label}"]


WIDE = ["vmovupd (%rdi), %zmm1", "vfmadd213pd %zmm2, %zmm3, %zmm1", "vmovupd %zmm1, (%rsi)"]
HALF = [line.replace("%zmm", "%ymm") for line in WIDE]
REST = ["vmovsd (%rdi), %xmm1", "vfmadd213sd %xmm2, %xmm3, %xmm1", "vmovsd %xmm1, (%rsi)"]
TARGET = {"machine": "x86_64", "cpu": "znver4", "features": "+avx2", "numba": "1", "llvmlite": "2", "llvm": "3"}


def side(*parts, specialisations=1, kernel="tests.kernel", **target):
    fingerprint = {"specialisations": specialisations} | fingerprint_assembly(listing(*parts))
    return {"target": TARGET | target, "kernels": {kernel: fingerprint}}


def only_loop(*body):
    (found,) = fingerprint_assembly(listing(*loop(1, *body)))["loops"]
    return found


def test_an_inner_loop_is_not_counted_in_the_outer_one():
    code = [".LBB0_1:", "vmulpd %ymm1, %ymm2, %ymm3", *loop(2, *WIDE), "vaddsd %xmm1, %xmm2, %xmm3", "jne .LBB0_1"]
    outer, inner = fingerprint_assembly(listing(*code))["loops"]
    assert outer["operations"] == {"256": {"mul": 1}, "scalar": {"add": 1}}
    assert inner["operations"] == {"512": {"fma": 1, "load": 1, "store": 1}}
    assert (outer["depth"], outer["inside"], outer["width"]) == (1, None, 256)
    assert (inner["depth"], inner["inside"], inner["width"]) == (2, 0, 512)
    assert (outer["instructions"], inner["instructions"]) == (3, 4)
    assert outer["function"] == inner["function"] == "tests.kernel"


def test_a_loop_entered_in_its_middle_is_one_loop():
    """LLVM likes to put the test first and jump to it; the block that dominates is then not the first in the text."""
    code = [
        "jmp .LBB0_2",
        ".LBB0_1:",
        "vmulpd %ymm1, %ymm2, %ymm3",
        ".LBB0_2:",
        "vdivpd %ymm1, %ymm2, %ymm3",
        "ja .LBB0_1",
    ]
    (found,) = fingerprint_assembly(listing(*code))["loops"]
    assert found["operations"] == {"256": {"div": 1, "mul": 1}}


def test_a_way_out_of_a_loop_is_not_in_it():
    code = [
        ".LBB0_1:",
        "jo .LBB0_3",
        "mulpd %xmm1, %xmm2",
        "jne .LBB0_1",
        "retq",
        ".LBB0_3:",
        "callq NRT_decref",
        "ud2",
    ]
    (found,) = fingerprint_assembly(listing(*code))["loops"]
    assert found["calls"] == {}
    assert found["operations"] == {"128": {"mul": 1}}


def test_jump_tables_keep_their_loop():
    table = [".LJTI0_0:", ".long .LBB0_2-.LJTI0_0", ".quad .LBB0_3"]
    code = [".LBB0_1:", "jmpq *%rax", ".LBB0_2:", "addsd %xmm1, %xmm2", ".LBB0_3:", "mulsd %xmm1, %xmm2", "jne .LBB0_1"]
    (found,) = fingerprint_assembly(listing(*code, "retq", *table))["loops"]
    assert found["operations"] == {"scalar": {"add": 1, "mul": 1}}


def test_natural_loops():
    assert find_loops([[1], [2, 4], [1, 3], [1], []]) == [(1, frozenset({1, 2, 3}))]  # two jumps back to one header
    assert find_loops([[0]]) == [(0, frozenset({0}))]
    assert find_loops([[1, 2], [2], [1]]) == []  # entered at two places
    assert find_loops([[1], [], [1, 2]]) == []  # never reached


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("fmadd231pd 64(%r10,%rax), %zmm4, %zmm1", ("fma", "512")),
        ("fnmsub213ss %xmm0, %xmm1, %xmm2", ("fma", "scalar")),
        ("mulps %xmm0, %xmm1", ("mul", "128")),
        ("subsd %xmm0, %xmm1", ("add", "scalar")),
        ("divpd %ymm0, %ymm1, %ymm2", ("div", "256")),
        ("sqrtsd %xmm0, %xmm0, %xmm1", ("sqrt", "scalar")),
        ("minpd %zmm0, %zmm1, %zmm2", ("minmax", "512")),
        ("cmpltpd %zmm0, %zmm1, %k1", ("compare", "512")),
        ("cvtsi2sdq %rax, %xmm1, %xmm2", ("convert", "scalar")),
        ("cvtps2pd %ymm0, %zmm1", ("convert", "512")),
        ("broadcastsd (%rax), %zmm0", ("broadcast", "512")),
        ("pbroadcastq %rax, %ymm0", ("broadcast", "256")),
        ("permt2pd %zmm0, %zmm1, %zmm2", ("shuffle", "512")),
        ("insertf64x4 $1, %ymm0, %zmm1, %zmm2", ("shuffle", "512")),
        ("gatherqpd (%rax,%zmm1), %zmm0 {%k1}", ("gather", "512")),
        ("psllq $52, %zmm1, %zmm2", ("integer", "512")),
        ("idivq %rcx", ("integer div", "scalar")),
        ("subq $1, %rax", None),
        ("movapd %zmm0, %zmm1", None),
        ("xorpd %xmm0, %xmm0, %xmm0", None),
        ("divss %xmm0, %xmm1", ("div", "scalar")),
    ],
)
def test_kinds_of_instructions(instruction, expected):
    mnemonic, _, operands = instruction.partition(" ")
    assert x86_64.classify(mnemonic, operands.split(", ")) == expected


def test_memory_operands():
    found = only_loop(
        "vfmadd231pd 64(%r10,%rax,8), %zmm4, %zmm1",  # a load inside
        "vaddpd (%rax){1to8}, %zmm1, %zmm2",  # a broadcast inside
        "vmovsd %xmm1, (%rdi)",
        "vbroadcastsd (%r9), %zmm4",
        "leaq 8(%rsp), %rax",
        "movq (%rdi), %rax",
    )
    assert found["operations"] == {"512": {"add": 1, "broadcast": 2, "fma": 1, "load": 1}, "scalar": {"store": 1}}
    assert found["stack"] == {}


def test_stack_slots():
    spilling = [
        "vmovupd %zmm1, 128(%rsp)",
        "vaddpd 128(%rsp), %zmm1, %zmm2",
        "movq %rax, 8(%rsp)",
        "cmpq %rax, 248(%rsp)",
        "vmovapd %ymm1, 16(%rbp)",
    ]
    expected = {"integer reloads": 1, "integer stores": 1, "vector reloads": 1, "vector stores": 1}
    assert only_loop(*spilling)["stack"] == expected
    (with_frame,) = fingerprint_assembly(listing("movq %rsp, %rbp", *loop(1, *spilling)))["loops"]
    assert with_frame["stack"] == expected | {"vector stores": 2}


@pytest.mark.parametrize(
    "before",
    [
        ["movabsq $exp, %rax"],
        ["movabsq $exp, %rbx", "movq %rbx, %rax"],
        ["movabsq $exp, %rbx", "movq %rbx, 88(%rsp)", "movabsq $sin, %rax", "movq 88(%rsp), %rax"],
        ["testq %rcx, %rcx", "je .LBB0_7", "movabsq $exp, %rax", "jmp .LBB0_1", ".LBB0_7:", "movabsq $exp, %rax"],
    ],
)
def test_calls_by_address_have_names(before):
    (found,) = fingerprint_assembly(listing(*before, *loop(1, "callq *%rax")))["loops"]
    assert found["calls"] == {"exp": 1}
    assert found["hot"]


def test_calls_by_name_and_unknown_ones():
    assert only_loop("callq log1p@PLT", "callq _ZN7fastsym7kernels7barrierB2v3B56c8E")["calls"] == {
        "fastsym.kernels.barrier": 1,
        "log1p": 1,
    }
    assert only_loop("callq *24(%r14)")["calls"] == {"indirect": 1}


def test_wrappers_and_empty_loops_are_left_out():
    found = fingerprint_assembly(
        listing(*loop(1, "decq %rax"), "movabsq $NRT_MemInfo_alloc_aligned, %rax", "callq *%rax")
        + "\n"
        + listing(*loop(1, *WIDE), name="_ZN7cpython5tests6kernelB2v1E")
        + "\n"
        + listing(*loop(1, *WIDE), name="NRT_decref")
    )
    assert found["loops"] == []
    assert (found["allocations"], found["instructions"]) == (1, 5)


# Two sides, hand-written


def verdicts(base, head):
    return [(str(difference), difference.fails) for difference in compare(base, head)]


def test_equal_sides_do_not_differ():
    one = side(*loop(1, *WIDE), *loop(2, *REST))
    assert compare(one, one) == []


def test_narrower_arithmetic_fails():
    ((message, fails),) = verdicts(side(*loop(1, *WIDE)), side(*loop(1, *HALF)))
    assert fails
    assert message == (
        "tests.kernel: loop 1 of kernel (1 fma): vectorisation lost: its arithmetic was 512-bit and is 256-bit"
    )
    assert compare(side(*loop(1, *HALF)), side(*loop(1, *WIDE))) == []


def test_scalar_arithmetic_fails_also_where_a_scalar_rest_was_before():
    base = side(*loop(1, *WIDE), *loop(2, *REST))
    ((message, fails),) = verdicts(base, side(*loop(1, *REST)))
    assert fails
    assert "loop 1 of kernel (1 fma): vectorisation lost: only scalar loops of its kind" in message
    assert [fails for _, fails in verdicts(base, side(*loop(1, *(4 * REST)), *loop(2, *REST)))] == [True]


def test_a_scalar_rest_that_goes_does_not_fail():
    ((message, fails),) = verdicts(side(*loop(1, *WIDE), *loop(2, *REST)), side(*loop(1, *WIDE)))
    assert not fails
    assert message.endswith("is gone")


def test_partly_scalar_arithmetic_fails():
    (change,) = compare(side(*loop(1, *(4 * WIDE))), side(*loop(1, *(2 * WIDE), *(2 * REST))))
    assert change.fails
    assert "in part: 2 512-bit operations, were 4, and 2 narrower, were 0" in change.message


def test_less_unrolling_is_no_loss():
    assert compare(side(*loop(1, *(4 * WIDE))), side(*loop(1, *WIDE))) == []


def test_a_kernel_that_lost_all_its_vectors_fails():
    other = ["vsqrtsd %xmm1, %xmm2, %xmm3", "vdivsd %xmm1, %xmm2, %xmm3"]
    changes = compare(side(*loop(1, *WIDE)), side(*loop(1, *other)))
    assert any(change.fails and change.message.startswith("vectorisation lost: no hot loop") for change in changes)


def test_a_new_call_fails_in_a_hot_loop_only():
    ((message, fails),) = verdicts(side(*loop(1, *REST)), side(*loop(1, *REST, "callq sin")))
    assert fails
    assert message.endswith("calls sin, which it did not")
    ((message, fails),) = verdicts(side(), side(*loop(1, "callq sin")))
    assert fails
    assert message.endswith("is new, and calls sin")

    known = side(*loop(1, *WIDE, "callq sin"))
    assert [fails for _, fails in verdicts(known, side(*loop(1, *WIDE, "callq sin"), *loop(2, "callq sin")))] == [False]

    def nested(*outer):
        inner = [".LBB0_2:", *loop(3, *WIDE), "jne .LBB0_2"]
        return side(".LBB0_1:", "vaddsd %xmm1, %xmm2, %xmm3", *outer, *inner, "jne .LBB0_1")

    assert [fails for _, fails in verdicts(nested(), nested("callq sin"))] == [False]


def test_an_allocation_fails():
    ((message, fails),) = verdicts(side(), side("callq NRT_MemInfo_alloc_aligned"))
    assert (message, fails) == ("tests.kernel: more allocations: 1, was 0", True)
    assert compare(side("callq NRT_MemInfo_alloc_aligned"), side()) == []


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("vdivpd %zmm1, %zmm2, %zmm3", "more divisions for its arithmetic: 1, was 0"),
        ("idivq %rcx", "more divisions for its arithmetic: 1, was 0"),
        (
            "vmovupd %zmm1, 128(%rsp)",
            "more vector registers spilled to the stack: 1 stores and 0 reloads, were 0 and 0",
        ),
    ],
)
def test_divisions_and_spills_are_reported(more, message):
    (change,) = compare(side(*loop(1, *WIDE)), side(*loop(1, *WIDE, more)))
    assert (change.message, change.fails) == (message, False)


def test_twice_the_work_with_twice_the_divisions_is_no_change():
    body = [*WIDE, "vdivpd %zmm1, %zmm2, %zmm3"]
    assert compare(side(*loop(1, *body)), side(*loop(1, *body, *body))) == []


def test_one_sided_kernels_and_specialisations_are_reported():
    base, head = side(*loop(1, *WIDE)), side(*loop(1, *WIDE), kernel="tests.other")
    assert verdicts(base, head) == [
        ("tests.kernel: is only in the base", False),
        ("tests.other: is only in the head", False),
    ]
    more = side(*loop(1, *WIDE), specialisations=3)
    assert verdicts(base, more) == [("tests.kernel: number of specialisations: 3, was 1", False)]


def test_of_differing_features_only_the_difference_is_shown():
    ((message, _),) = verdicts(side(features="+a,+b,-c"), side(features="+a,-b,-c"))
    assert message == "generated code not compared: features +b and -b"


@pytest.mark.parametrize("key", ["machine", "cpu", "features", "numba", "llvmlite", "llvm"])
def test_other_targets_are_not_compared(key):
    ((message, fails),) = verdicts(side(*loop(1, *WIDE)), side(*loop(1, *REST), **{key: "other"}))
    assert not fails
    assert message == f"generated code not compared: {key} {TARGET[key]} and other"


def test_other_machines_are_unsupported(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    here = {"target": assembly.target() | {"unsupported": True}, "kernels": {}}
    assert here["target"]["machine"] == "riscv64"
    ((message, fails),) = verdicts(here, here)
    assert not fails
    assert message == "generated code not compared: expected x86-64 or 64-bit ARM; got riscv64 and riscv64"


def test_loops_are_matched_by_what_they_do():
    add = ["vaddpd %zmm1, %zmm2, %zmm3"]
    base = fingerprint_assembly(listing(*loop(1, *WIDE), *loop(2, *REST), *loop(3, *add)))["loops"]
    head = fingerprint_assembly(listing(*loop(1, *add), *loop(2, *(2 * WIDE)), *loop(3, "callq sin")))["loops"]
    assert match_loops(base, head) == [(0, 1), (1, None), (2, 0), (None, 2)]
    twins = fingerprint_assembly(listing(*loop(1, *WIDE), *loop(2, *WIDE)))["loops"]
    assert match_loops(twins, twins) == [(0, 0), (1, 1)]


def test_the_explanation_marks_what_differs():
    text = explain(side(*loop(1, *WIDE)), side(*loop(1, *WIDE, "callq sin"), cpu="other"))
    assert text.startswith("not the same target, so the code may differ without a change: cpu znver4 and other")
    lines = [line.split() for line in text.splitlines()]
    assert ["*", "call", "sin", "0", "1"] in lines
    assert ["fma", "512", "1", "1"] in lines
    assert ["*", "instructions", "4", "5"] in lines
    one_sided = explain(side(*loop(1, *WIDE)), side())
    assert "loop 1 of kernel (1 fma), only in the base" in one_sided


# What Numba makes

PLAIN = "out[i] = x[i] * 2.0 + 1.0"
DEPENDENT = "out[i] = out[i - 1] * 2.0 + x[i]"
CALLING = "out[i] = math.sin(x[i]) * 2.0 + 1.0"
ALLOCATING = "out[i] = x[i] * 2.0 + 1.0\n    np.empty(n)[0] = 1.0\n    out[0] = np.empty(2 * n)[n]"


def kernel_file(folder, body, state=0):
    """A module with one kernel; with ``state``, a loop that keeps so many numbers from one pass to the next."""
    names = [f"a{i}" for i in range(state)]
    lines = ["import math", "import numba", "import numpy as np", ""]
    lines += ["@numba.njit", "def plus(a, b):", "    return a + b", ""]
    lines += ["@numba.njit(cache=True, error_model='numpy')", "def kernel(x, out):", "    n = x.size"]
    lines += [f"    {name} = x[{i}]" for i, name in enumerate(names)]
    lines += ["    for i in range(1, n):"]
    lines += [f"        {name} = {name} * x[i] + {other}" for name, other in pairwise(names)]
    lines += [f"        {body}", *(f"    out[{i}] = {name}" for i, name in enumerate(names))]
    folder.mkdir(exist_ok=True)
    path = folder / "kernels.py"
    if not path.exists():  # an older Numba goes by the file's time and would compile it again
        path.write_text("\n".join(lines))
    return path


@pytest.fixture
def revision(tmp_path, monkeypatch):
    """Compile, or load from the cache, a kernel as a package would hold it; return fingerprints and cache hits."""
    monkeypatch.setattr("numba.core.config.CACHE_DIR", "")

    def load(path):
        spec = importlib.util.spec_from_file_location("revision.kernels", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, "revision.kernels", module)
            module.kernel(np.ones(100), np.ones(100))
            return Fingerprints(str(path.parent)).take(), sum(module.kernel.stats.cache_hits.values())

    def build(body, state=0):
        return load(kernel_file(tmp_path / f"{abs(hash((body, state)))}", body, state))

    return build


@supported_only
def test_a_fingerprint_is_json_and_names_its_target(revision):
    found, _ = revision(PLAIN)
    assert json.loads(json.dumps(found)) == found
    assert set(found["target"]) == set(TARGET)
    assert all(value for key, value in found["target"].items() if key != "features")  # those may be set to none
    ((name, kernel),) = found["kernels"].items()
    assert name == "revision.kernels.kernel(2 float64[1d])"
    assert (kernel["specialisations"], kernel["allocations"]) == (1, 0)
    widest = max(kernel["loops"], key=lambda found: found["width"])
    assert widest["width"] >= 128
    assert widest["hot"]
    assert not any(found["calls"] for found in kernel["loops"])


@supported_only
def test_a_function_inside_a_kernel_is_not_a_kernel(revision):
    found, _ = revision("out[i] = plus(x[i], 1.0)")
    assert list(found["kernels"]) == ["revision.kernels.kernel(2 float64[1d])"]


@supported_only
def test_a_cached_kernel_has_the_fingerprint_of_a_fresh_one(revision):
    fresh, hits = revision(PLAIN)
    assert hits == 0
    cached, hits = revision(PLAIN)
    assert hits == 1
    assert cached == fresh
    assert fresh["kernels"]


@supported_only
@pytest.mark.parametrize(("body", "word"), [(DEPENDENT, "vectorisation lost"), (CALLING, "sin")])
def test_a_loop_that_does_not_vectorise_any_more_fails(revision, body, word):
    base, head = revision(PLAIN)[0], revision(body)[0]
    failing = [change for change in compare(base, head) if change.fails]
    assert any(word in change.message for change in failing)
    assert not any(change.fails for change in compare(head, base))
    assert "*" in explain(base, head)


@supported_only
def test_an_allocating_kernel_fails(revision):
    changes = compare(revision(PLAIN)[0], revision(ALLOCATING)[0])
    assert any(change.fails and change.message.startswith("more allocations") for change in changes)


@supported_only
def test_more_state_than_registers_shows_as_spills(revision):
    """No processor has more than 32 vector registers."""
    few, many = revision("out[i] = a0", 8)[0], revision("out[i] = a0", 80)[0]

    def reloads(side):
        (kernel,) = side["kernels"].values()
        return max(found["stack"].get("vector reloads", 0) for found in kernel["loops"])

    assert reloads(few) == 0
    assert reloads(many) >= 40
    messages = [change for change in compare(few, many) if "spilled to the stack" in change.message]
    assert messages
    assert not any(change.fails for change in messages)


def test_assembly_needs_no_other_module_of_ours():
    modules = [ast.parse(path.read_text(encoding="utf-8")) for path in Path(assembly.__file__).parent.glob("*.py")]
    assert len(modules) > 1
    imports = [node for tree in modules for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    imports = [node for node in imports if not getattr(node, "level", 0)]  # its own
    names = {alias.name if isinstance(node, ast.Import) else node.module for node in imports for alias in node.names}
    assert {name.split(".")[0] for name in names} - sys.stdlib_module_names == {"numba", "llvmlite"}


# The simd kernel against the counted roof


def simd_loops(dtype):
    """Own counts of each hot loop of the simd kernel for nine features, with those of the loops inside added."""
    data = fastsym.load_titanic("article")
    start = Params(*(np.asarray(a, dtype) for a in fastsym.initialise("normal", 9, 4)))
    fastsym.train(data.X.astype(dtype), data.y.astype(dtype), start, 1, 0.01, "simd")
    kernels = Fingerprints(str(Path(fastsym.__file__).parent)).take()["kernels"]
    (loops,) = [
        kernel["loops"]
        for name, kernel in kernels.items()
        if "train_networks(" in name and "int64 x 9" in name and np.dtype(dtype).name + "[1d]" in name
    ]
    wholes = [(loop, Counter(loop["operations"].get("512", {}))) for loop in loops]
    for loop, _ in wholes:
        if loop["inside"] is not None:
            outer, whole = wholes[loop["inside"]]
            if outer["hot"]:
                whole.update(loop["operations"].get("512", {}))
    return [(loop, whole) for loop, whole in wholes if loop["hot"] and loop["width"] == 512]


@supported_only
@pytest.mark.skipif(
    supported_only.args[0] or "+avx512dq" not in assembly.target()["features"].split(","),
    reason="with fewer registers than AVX-512's 32 a loop over features is left, and a listing tells not its passes",
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_simd_kernel_does_the_fewest_operations(dtype):
    D, L = 9, 64 // np.dtype(dtype).itemsize
    one, two = (fewest_operations(D, H, L, dtype) for H in (1, 2))
    loops = simd_loops(dtype)
    # Forward, each load of X serves two units; tanh is a loop of its own, and has one division, as has the output.
    (products,) = [whole for _, whole in loops if whole["fma"] == 8 * D and not whole["div"]]
    four = [(loop, whole) for loop, whole in loops if whole["div"] == 4]
    (_, tanh), (_, output) = (choose(four, key=lambda each: each[1]["add"]) for choose in (min, max))
    # Backward, two units times one register, maybe a few times: every load of X serves both units.
    backward, passes = next(
        (whole, whole["mul"] / 2)
        for _, whole in loops
        if whole["mul"] and not whole["div"] and whole["load"] == whole["mul"] / 2 * (D + 3)
    )
    for loop, _ in four:
        assert loop["calls"] == {}
        assert set(loop["operations"]) <= {"512", "scalar"}
        assert not set(loop["operations"].get("scalar", ())) & set(assembly.ARITHMETIC)
    for kinds, needed, of_one, more_a_unit, more in [  # as said in fewest_operations
        (("fma", "mul"), two.fma - one.fma, one.fma, 0, 4),
        (("add",), two.add - one.add, one.add, 0, -1),
        (("div",), two.divide - one.divide, one.divide, 0, 0),
        (("load",), two.load - one.load, one.load, 1.5, 0),
    ]:
        per_unit = sum(products[kind] / 8 + tanh[kind] / 4 + backward[kind] / (2 * passes) for kind in kinds)
        assert per_unit == needed + more_a_unit, kinds
        assert sum(output[kind] for kind in kinds) / 4 == of_one - needed + more, kinds

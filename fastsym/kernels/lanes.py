"""Explicit vector arithmetic: a small vocabulary of operations on many numbers at once.

A value of type :class:`Lanes` is a few 64-byte vector registers' worth of numbers: 8 float64 or 16 float32 in
each register. ``+ - * /`` and the functions below work on all lanes alike, with one rounding each, in the order
written; LLVM splits them for narrower machines without changing a bit. The arithmetic ones also take plain
floats, so that an elementwise function is written once, for scalar loops and for lanes.

Everything here is used inside compiled kernels only.
"""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

REGISTER_BYTES = 64


class Lanes(types.Type):
    """Numba type of ``count`` numbers of one float type that are worked on at once."""

    def __init__(self, dtype: types.Float, count: int) -> None:
        self.dtype = dtype
        self.count = count
        super().__init__(name=f"Lanes({dtype}, {count})")


@register_model(Lanes)
class LanesModel(models.PrimitiveModel):
    """In LLVM, lanes are a vector."""

    def __init__(self, dmm: Any, fe_type: Lanes) -> None:
        super().__init__(dmm, fe_type, ir.VectorType(dmm.lookup(fe_type.dtype).get_value_type(), fe_type.count))


def _lanes(dtype: types.Float, registers: int) -> Lanes:
    return Lanes(dtype, registers * REGISTER_BYTES * 8 // dtype.bitwidth)


def _is_real(ty: types.Type) -> bool:
    return isinstance(ty, Lanes | types.Float)


def _llvm_name(ty: ir.Type) -> str:
    """Spell a float type as in the names of LLVM's overloaded functions."""
    if isinstance(ty, ir.VectorType):
        return f"v{ty.count}{_llvm_name(ty.element)}"
    return "f64" if isinstance(ty, ir.DoubleType) else "f32"


def _call_llvm(builder: ir.IRBuilder, name: str, *args: ir.Value) -> ir.Value:
    ty = args[0].type
    function_type = ir.FunctionType(ty, [ty] * len(args))
    function = cgutils.get_or_insert_function(builder.module, function_type, f"llvm.{name}.{_llvm_name(ty)}")
    return builder.call(function, args)


def _fill(value: ir.Value, count: int, builder: ir.IRBuilder) -> ir.Value:
    """Vector with ``value`` in every lane."""
    one = builder.insert_element(
        ir.Constant(ir.VectorType(value.type, count), ir.Undefined), value, ir.Constant(ir.IntType(32), 0)
    )
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(ir.IntType(32), count), [0] * count))


# Operators on lanes


def _define_operator(symbol: Callable[[Any, Any], Any], instruction: str) -> None:
    @infer_global(symbol)
    class _Typing(AbstractTemplate):
        def generic(self, args: tuple[types.Type, ...], kws: dict[str, types.Type]) -> Any:  # noqa: ARG002
            if len(args) == 2 and isinstance(args[0], Lanes) and args[0] == args[1]:
                return signature(args[0], *args)
            return None

    @lower_builtin(symbol, Lanes, Lanes)
    def _lower(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:  # noqa: ARG001
        return getattr(builder, instruction)(*args)


for _symbol, _instruction in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _define_operator(_symbol, _instruction)


# Operations on lanes and on plain floats


@intrinsic
def per_register(typingctx: Any, array: Any) -> Any:  # noqa: ARG001
    """``per_register(array)``: how many of the array's numbers fill a register.

    ``array.itemsize`` is a field that compiled code reads and divides by; this is a constant.
    """
    if not isinstance(array, types.Array):
        return None

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:  # noqa: ARG001
        return ir.Constant(ir.IntType(types.intp.bitwidth), _lanes(array.dtype, 1).count)

    return signature(types.intp, array), codegen


@intrinsic
def like(typingctx: Any, x: Any, value: Any) -> Any:  # noqa: ARG001
    """``like(x, value)``: the scalar ``value`` rounded to x's precision, in every lane of x."""
    if not _is_real(x) or not isinstance(value, types.Float | types.Integer):
        return None

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        dtype = x.dtype if isinstance(x, Lanes) else x
        scalar = context.cast(builder, args[1], sig.args[1], dtype)
        return _fill(scalar, x.count, builder) if isinstance(x, Lanes) else scalar

    return signature(x, x, value), codegen


@intrinsic
def by_precision(typingctx: Any, x: Any, wide: Any, narrow: Any) -> Any:  # noqa: ARG001
    """``by_precision(x, wide, narrow)``: like :func:`like`; the first value for float64, the second for float32."""
    if not (_is_real(x) and isinstance(wide, types.Float) and isinstance(narrow, types.Float)):
        return None

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        dtype = x.dtype if isinstance(x, Lanes) else x
        chosen = 1 if dtype.bitwidth == 64 else 2
        scalar = context.cast(builder, args[chosen], sig.args[chosen], dtype)
        return _fill(scalar, x.count, builder) if isinstance(x, Lanes) else scalar

    return signature(x, x, wide, narrow), codegen


@intrinsic
def fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:  # noqa: ARG001
    """``fma(a, b, c)``: a b + c, rounded once."""
    if not (_is_real(a) and a == b == c):
        return None

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:  # noqa: ARG001
        return _call_llvm(builder, "fma", *args)

    return signature(a, a, b, c), codegen


@intrinsic
def magnitude(typingctx: Any, x: Any) -> Any:  # noqa: ARG001
    """``magnitude(x)``: |x|, the sign bit cleared."""
    if not _is_real(x):
        return None

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:  # noqa: ARG001
        return _call_llvm(builder, "fabs", *args)

    return signature(x, x), codegen


@intrinsic
def minus(typingctx: Any, x: Any) -> Any:  # noqa: ARG001
    """``minus(x)``: -x; free where it feeds an :func:`fma`."""
    if not _is_real(x):
        return None

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:  # noqa: ARG001
        return builder.fneg(args[0])

    return signature(x, x), codegen


@intrinsic
def with_sign(typingctx: Any, x: Any, sign: Any) -> Any:  # noqa: ARG001
    """``with_sign(x, sign)``: |x| with the sign bit of ``sign``."""
    if not (_is_real(x) and x == sign):
        return None

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:  # noqa: ARG001
        return _call_llvm(builder, "copysign", *args)

    return signature(x, x, sign), codegen


@intrinsic
def floor(typingctx: Any, x: Any) -> Any:  # noqa: ARG001
    """``floor(x)``: the largest whole number not above x."""
    if not _is_real(x):
        return None

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:  # noqa: ARG001
        return _call_llvm(builder, "floor", *args)

    return signature(x, x), codegen


@intrinsic
def at_most(typingctx: Any, x: Any, limit: Any) -> Any:  # noqa: ARG001
    """``at_most(x, limit)``: the smaller of both; NaN in x stays NaN."""
    if not (_is_real(x) and x == limit):
        return None

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:  # noqa: ARG001
        value, bound = args
        # An ordered comparison is false for NaN, so NaN takes the branch that returns it.
        return builder.select(builder.fcmp_ordered("<", bound, value), bound, value)

    return signature(x, x, limit), codegen


@intrinsic
def where_negative(typingctx: Any, x: Any, yes: Any, no: Any) -> Any:  # noqa: ARG001
    """``where_negative(x, yes, no)``: yes where x < 0, no elsewhere, NaN included."""
    if not (_is_real(x) and x == yes == no):
        return None

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:  # noqa: ARG001
        return builder.select(builder.fcmp_ordered("<", args[0], ir.Constant(args[0].type, None)), *args[1:])

    return signature(x, x, yes, no), codegen


@intrinsic
def bits_to_exponent(typingctx: Any, x: Any) -> Any:  # noqa: ARG001
    """``bits_to_exponent(x)``: the float whose exponent field holds the lowest bits of x's bit pattern.

    The bits move left by the width of the fraction, 52 or 23, and the rest is zero. For x = k + 1.5 * 2**52 +
    1023 in float64 this is 2**k.
    """
    if not _is_real(x):
        return None
    dtype = x.dtype if isinstance(x, Lanes) else x

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:  # noqa: ARG001
        integer: ir.Type = ir.IntType(dtype.bitwidth)
        if isinstance(x, Lanes):
            integer = ir.VectorType(integer, x.count)
        fraction = 52 if dtype.bitwidth == 64 else 23
        places = [fraction] * x.count if isinstance(x, Lanes) else fraction
        shifted = builder.shl(builder.bitcast(args[0], integer), ir.Constant(integer, places))
        return builder.bitcast(shifted, args[0].type)

    return signature(x, x), codegen


@intrinsic
def rough_reciprocal(typingctx: Any, x: Any) -> Any:  # noqa: ARG001
    """``rough_reciprocal(x)``: 1 / x within 13 %, for positive normal x; one integer subtraction.

    The bit pattern of a float is close to its logarithm, so that subtracting it from a constant divides.
    """
    if not _is_real(x):
        return None
    dtype = x.dtype if isinstance(x, Lanes) else x

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:  # noqa: ARG001
        integer: ir.Type = ir.IntType(dtype.bitwidth)
        constant = 0x7FDE6238502484BA if dtype.bitwidth == 64 else 0x7EF311C7
        if isinstance(x, Lanes):
            integer = ir.VectorType(integer, x.count)
        minuend = ir.Constant(integer, [constant] * x.count if isinstance(x, Lanes) else constant)
        return builder.bitcast(builder.sub(minuend, builder.bitcast(args[0], integer)), args[0].type)

    return signature(x, x), codegen


# Between memory, plain floats and lanes


@intrinsic(prefer_literal=True)
def splat(typingctx: Any, x: Any, registers: Any) -> Any:  # noqa: ARG001
    """``splat(x, registers)``: the float x in every lane of so many registers."""
    if not isinstance(x, types.Float) or not isinstance(registers, types.IntegerLiteral):
        return None
    lanes = _lanes(x, registers.literal_value)

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:  # noqa: ARG001
        return _fill(args[0], lanes.count, builder)

    return signature(lanes, x, registers), codegen


def _pointer(
    context: Any, builder: ir.IRBuilder, array_type: Any, array: ir.Value, index: ir.Value, ty: ir.Type
) -> ir.Value:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index], inbounds=True), ir.PointerType(ty))


@intrinsic(prefer_literal=True)
def load(typingctx: Any, array: Any, index: Any, registers: Any) -> Any:  # noqa: ARG001
    """``load(array, index, registers)``: lanes from a flat contiguous array, starting at ``index``; unchecked."""
    if not isinstance(array, types.Array) or not isinstance(registers, types.IntegerLiteral):
        return None
    lanes = _lanes(array.dtype, registers.literal_value)

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        ty = context.get_value_type(lanes)
        pointer = _pointer(context, builder, sig.args[0], args[0], args[1], ty)
        return builder.load(pointer, align=array.dtype.bitwidth // 8)

    return signature(lanes, array, types.intp, registers), codegen


@intrinsic(prefer_literal=True)
def broadcast(typingctx: Any, array: Any, index: Any, registers: Any) -> Any:  # noqa: ARG001
    """``broadcast(array, index, registers)``: the number at ``index`` in every lane; unchecked."""
    if not isinstance(array, types.Array) or not isinstance(registers, types.IntegerLiteral):
        return None
    lanes = _lanes(array.dtype, registers.literal_value)

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        return _fill(builder.load(builder.gep(data, [args[1]], inbounds=True)), lanes.count, builder)

    return signature(lanes, array, types.intp, registers), codegen


@intrinsic
def store(typingctx: Any, array: Any, index: Any, lanes: Any) -> Any:  # noqa: ARG001
    """``store(array, index, lanes)``: write lanes to a flat contiguous array from ``index`` on; unchecked."""
    if not isinstance(array, types.Array) or not isinstance(lanes, Lanes) or lanes.dtype != array.dtype:
        return None

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        pointer = _pointer(context, builder, sig.args[0], args[0], args[1], args[2].type)
        builder.store(args[2], pointer, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return signature(types.void, array, types.intp, lanes), codegen


def _tree(builder: ir.IRBuilder, vector: ir.Value, combine: str) -> ir.Value:
    """Combine all lanes: upper half with lower half, again and again."""
    count = vector.type.count
    while count > 1:
        count //= 2
        index = ir.VectorType(ir.IntType(32), count)
        low = builder.shuffle_vector(vector, vector, ir.Constant(index, list(range(count))))
        high = builder.shuffle_vector(vector, vector, ir.Constant(index, list(range(count, 2 * count))))
        vector = getattr(builder, combine)(low, high)
    return builder.extract_element(vector, ir.Constant(ir.IntType(32), 0))


@intrinsic
def total(typingctx: Any, x: Any) -> Any:  # noqa: ARG001
    """``total(x)``: the sum of all lanes, as a float; halves are added to halves, so the order is fixed."""
    if not isinstance(x, Lanes):
        return None

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:  # noqa: ARG001
        return _tree(builder, args[0], "fadd")

    return signature(x.dtype, x), codegen


@intrinsic
def product(typingctx: Any, x: Any) -> Any:  # noqa: ARG001
    """``product(x)``: the product of all lanes, as a float64; in the order of :func:`total`."""
    if not isinstance(x, Lanes):
        return None

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:  # noqa: ARG001
        wide = ir.VectorType(ir.DoubleType(), x.count)
        return _tree(builder, args[0] if args[0].type == wide else builder.fpext(args[0], wide), "fmul")

    return signature(types.float64, x), codegen


# Rows of accumulators: one register for each of several sums that grow side by side


@intrinsic
def zeros(typingctx: Any, array: Any, shape: Any) -> Any:  # noqa: ARG001
    """``zeros(array, shape)``: one register of zeros for each entry of the tuple ``shape``, of the array's type."""
    if not isinstance(array, types.Array) or not isinstance(shape, types.UniTuple):
        return None
    row = types.UniTuple(_lanes(array.dtype, 1), shape.count)

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:  # noqa: ARG001
        return ir.Constant(context.get_value_type(row), None)

    return signature(row, array, shape), codegen


@intrinsic
def accumulate(typingctx: Any, row: Any, g: Any, array: Any, index: Any, stride: Any) -> Any:  # noqa: ARG001
    """``accumulate(row, g, array, index, stride)``: add g x_f to the f-th register, x_f read at index + f stride."""
    if not isinstance(row, types.UniTuple) or row.dtype != g or not isinstance(array, types.Array):
        return None

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        old, factor, data, start, step = args
        new = old
        for f in range(row.count):
            pointer = _pointer(context, builder, sig.args[2], data, start, factor.type)
            x = builder.load(pointer, align=array.dtype.bitwidth // 8)
            new = builder.insert_value(new, _call_llvm(builder, "fma", factor, x, builder.extract_value(old, f)), f)
            start = builder.add(start, step)
        return new

    return signature(row, row, g, array, types.intp, types.intp), codegen


def _merge(builder: ir.IRBuilder, first: ir.Value, second: ir.Value, items: int) -> ir.Value:
    """Half the number of partial sums of each item: two registers of ``items`` each become one of twice as many."""
    count = first.type.count
    width = count // items
    low = [v * count + i * width + j for v in range(2) for i in range(items) for j in range(width // 2)]
    high = [place + width // 2 for place in low]
    index = ir.VectorType(ir.IntType(32), count)
    return builder.fadd(
        builder.shuffle_vector(first, second, ir.Constant(index, low)),
        builder.shuffle_vector(first, second, ir.Constant(index, high)),
    )


@intrinsic
def add_totals(typingctx: Any, array: Any, index: Any, row: Any) -> Any:  # noqa: ARG001
    """``add_totals(array, index, row)``: add the sum of each register of row to array, from index on.

    The sums are those of :func:`total`, bit for bit, but made for a full register of them at once. Entries up
    to the next multiple of a register's length are rewritten too.
    """
    if not isinstance(row, types.UniTuple) or not isinstance(array, types.Array):
        return None

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        data, start = args[0], args[1]
        registers = [builder.extract_value(args[2], i) for i in range(row.count)]
        ty = registers[0].type
        registers += [ir.Constant(ty, None)] * (-len(registers) % ty.count)
        for first in range(0, len(registers), ty.count):
            level = registers[first : first + ty.count]
            items = 1
            while len(level) > 1:
                level = [_merge(builder, level[i], level[i + 1], items) for i in range(0, len(level), 2)]
                items *= 2
            place = builder.add(start, ir.Constant(start.type, first))
            pointer = _pointer(context, builder, sig.args[0], data, place, ty)
            align = array.dtype.bitwidth // 8
            builder.store(builder.fadd(builder.load(pointer, align=align), level[0]), pointer, align=align)
        return context.get_dummy_value()

    return signature(types.void, array, types.intp, row), codegen

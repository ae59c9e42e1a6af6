"""Explicit vector arithmetic: a small vocabulary of operations on many numbers at once.

A value of type :class:`Lanes` is a few 64-byte vector registers' worth of numbers: 8 float64 or 16 float32 in
each register. ``+ - * /`` and the functions below work on all lanes alike, with one rounding each, in the order
written; LLVM splits them for narrower machines without changing a bit. The arithmetic ones also take plain
floats, so that an elementwise function is written once, for scalar loops and for lanes. Where LLVM has a word for
an operation, it is used here.

Everything here is used inside compiled kernels only.
"""

import operator
from collections.abc import Callable
from functools import reduce
from inspect import Parameter, Signature
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


def _is_float64(ty: ir.Type) -> bool:
    return isinstance(ty.element if isinstance(ty, ir.VectorType) else ty, ir.DoubleType)


def _constant(like: ir.Type, value: int) -> ir.Constant:
    """Integer constant of the width and the number of lanes of a float type."""
    integer = ir.IntType(64 if _is_float64(like) else 32)
    if isinstance(like, ir.VectorType):
        return ir.Constant(ir.VectorType(integer, like.count), [value] * like.count)
    return ir.Constant(integer, value)


def _call_llvm(builder: ir.IRBuilder, name: str, *args: ir.Value) -> ir.Value:
    ty = args[0].type
    suffix = (f"v{ty.count}" if isinstance(ty, ir.VectorType) else "") + ("f64" if _is_float64(ty) else "f32")
    function_type = ir.FunctionType(ty, [ty] * len(args))
    return builder.call(cgutils.get_or_insert_function(builder.module, function_type, f"llvm.{name}.{suffix}"), args)


def _shuffle(builder: ir.IRBuilder, first: ir.Value, second: ir.Value, places: list[int]) -> ir.Value:
    return builder.shuffle_vector(first, second, ir.Constant(ir.VectorType(ir.IntType(32), len(places)), places))


def _fill(value: ir.Value, count: int, builder: ir.IRBuilder) -> ir.Value:
    """Vector with ``value`` in every lane."""
    undefined = ir.Constant(ir.VectorType(value.type, count), ir.Undefined)
    one = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
    return _shuffle(builder, one, one, [0] * count)


# Operators on lanes


def _define_operator(symbol: Callable[[Any, Any], Any], instruction: str) -> None:
    @infer_global(symbol)
    class _Typing(AbstractTemplate):
        def generic(self, args: tuple[types.Type, ...], kws: dict[str, types.Type]) -> Any:
            if len(args) == 2 and isinstance(args[0], Lanes) and args[0] == args[1]:
                return signature(args[0], *args)
            return None

    @lower_builtin(symbol, Lanes, Lanes)
    def _lower(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        return getattr(builder, instruction)(*args)


for _symbol, _instruction in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _define_operator(_symbol, _instruction)


# Operations on lanes and on plain floats


def _operation(operands: str, emit: Callable[..., ir.Value]) -> Any:
    """Intrinsic whose operands, named in ``operands``, and value are of one type, lanes or a float."""
    names = operands.split()

    def typing(typingctx: Any, *types_: Any) -> Any:
        if not _is_real(types_[0]) or any(ty != types_[0] for ty in types_):
            return None
        return signature(types_[0], *types_), lambda context, builder, sig, args: emit(builder, *args)

    # Numba passes as many arguments as the signature names.
    parameters = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in ("typingctx", *names)]
    typing.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    return intrinsic(typing)


def _llvm(name: str, operands: str) -> Any:
    return _operation(operands, lambda builder, *args: _call_llvm(builder, name, *args))


def _minimum(builder: ir.IRBuilder, x: ir.Value, limit: ir.Value) -> ir.Value:
    # An ordered comparison is false for NaN, so NaN takes the branch that returns it.
    return builder.select(builder.fcmp_ordered("<", limit, x), limit, x)


def _select_negative(builder: ir.IRBuilder, x: ir.Value, yes: ir.Value, no: ir.Value) -> ir.Value:
    return builder.select(builder.fcmp_ordered("<", x, ir.Constant(x.type, None)), yes, no)


def _bits_to_exponent(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    fraction = _constant(x.type, 52 if _is_float64(x.type) else 23)
    return builder.bitcast(builder.shl(builder.bitcast(x, fraction.type), fraction), x.type)


def _rough_reciprocal(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    minuend = _constant(x.type, 0x7FDE6238502484BA if _is_float64(x.type) else 0x7EF311C7)
    return builder.bitcast(builder.sub(minuend, builder.bitcast(x, minuend.type)), x.type)


fma = _llvm("fma", "a b c")
"""``fma(a, b, c)``: a b + c, rounded once."""
fabs = _llvm("fabs", "x")
"""``fabs(x)``: |x|, the sign bit cleared."""
copysign = _llvm("copysign", "x sign")
"""``copysign(x, sign)``: |x| with the sign bit of ``sign``."""
floor = _llvm("floor", "x")
"""``floor(x)``: the largest whole number not above x."""
fneg = _operation("x", lambda builder, x: builder.fneg(x))
"""``fneg(x)``: -x; free where it feeds an :func:`fma`."""
minimum = _operation("x limit", _minimum)
"""``minimum(x, limit)``: the smaller of both; NaN in x stays NaN."""
select_negative = _operation("x yes no", _select_negative)
"""``select_negative(x, yes, no)``: yes where x < 0, no elsewhere, NaN included."""
bits_to_exponent = _operation("x", _bits_to_exponent)
"""``bits_to_exponent(x)``: the float whose exponent field holds the lowest bits of x's bit pattern.

The bits move left by the width of the fraction, 52 or 23, and the rest is zero. For x = k + 1.5 * 2**52 + 1023 in
float64 this is 2**k.
"""
rough_reciprocal = _operation("x", _rough_reciprocal)
"""``rough_reciprocal(x)``: 1 / x within 13 %, for positive normal x; one integer subtraction.

The bit pattern of a float is close to its logarithm, so that subtracting it from a constant divides.
"""


def _scalar_like(context: Any, builder: ir.IRBuilder, x: Any, value: ir.Value, value_type: Any) -> ir.Value:
    """Round a scalar to the precision of type x, and put it in every lane."""
    scalar = context.cast(builder, value, value_type, x.dtype if isinstance(x, Lanes) else x)
    return _fill(scalar, x.count, builder) if isinstance(x, Lanes) else scalar


def _by_precision(x: Any, wide: int, narrow: int) -> int:
    return wide if (x.dtype if isinstance(x, Lanes) else x) == types.float64 else narrow


@intrinsic
def like(typingctx: Any, x: Any, value: Any) -> Any:
    """``like(x, value)``: the scalar ``value`` rounded to x's precision, in every lane of x."""
    if not _is_real(x) or not isinstance(value, types.Number):
        return None
    return signature(x, x, value), lambda context, builder, sig, args: _scalar_like(context, builder, x, args[1], value)


@intrinsic
def by_precision(typingctx: Any, x: Any, wide: Any, narrow: Any) -> Any:
    """``by_precision(x, wide, narrow)``: like :func:`like`; the first value for float64, the second for float32."""
    if not _is_real(x):
        return None

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        chosen = _by_precision(x, 1, 2)
        return _scalar_like(context, builder, x, args[chosen], sig.args[chosen])

    return signature(x, x, wide, narrow), codegen


@intrinsic
def polynomial(typingctx: Any, x: Any, wide: Any, narrow: Any) -> Any:
    """``polynomial(x, wide, narrow)``: by Horner's rule, from a tuple of coefficients, highest power first.

    The first tuple is for float64, the second for float32.
    """
    if not _is_real(x) or not isinstance(wide, types.UniTuple) or not isinstance(narrow, types.UniTuple):
        return None

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        chosen = _by_precision(x, 1, 2)
        coefficients = [
            _scalar_like(context, builder, x, builder.extract_value(args[chosen], i), sig.args[chosen].dtype)
            for i in range(sig.args[chosen].count)
        ]
        return reduce(lambda p, c: _call_llvm(builder, "fma", p, args[0], c), coefficients)

    return signature(x, x, wide, narrow), codegen


# Between memory, plain floats and lanes


@intrinsic
def lanes_per_register(typingctx: Any, array: Any) -> Any:
    """``lanes_per_register(array)``: how many of the array's numbers fill a register.

    ``array.itemsize`` is a field that compiled code reads and divides by; this is a constant.
    """
    if not isinstance(array, types.Array):
        return None

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        return ir.Constant(ir.IntType(types.intp.bitwidth), _lanes(array.dtype, 1).count)

    return signature(types.intp, array), codegen


@intrinsic
def address(typingctx: Any, array: Any) -> Any:
    """``address(array)``: where it begins in memory."""
    if not isinstance(array, types.Array):
        return None

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        return builder.ptrtoint(data, ir.IntType(types.intp.bitwidth))

    return signature(types.intp, array), codegen


@intrinsic(prefer_literal=True)
def splat(typingctx: Any, x: Any, registers: Any) -> Any:
    """``splat(x, registers)``: the float x in every lane of so many registers."""
    if not isinstance(x, types.Float) or not isinstance(registers, types.IntegerLiteral):
        return None
    lanes = _lanes(x, registers.literal_value)
    return signature(lanes, x, registers), lambda context, builder, sig, args: _fill(args[0], lanes.count, builder)


class _Memory:
    """Unaligned access to a flat contiguous array, from an index on."""

    def __init__(self, context: Any, builder: ir.IRBuilder, array_type: Any, array: ir.Value) -> None:
        self._builder = builder
        self._data = context.make_array(array_type)(context, builder, array).data
        self._align = array_type.dtype.bitwidth // 8

    def _pointer(self, index: ir.Value, ty: ir.Type) -> ir.Value:
        return self._builder.bitcast(self._builder.gep(self._data, [index], inbounds=True), ir.PointerType(ty))

    def load(self, index: ir.Value, ty: ir.Type) -> ir.Value:
        return self._builder.load(self._pointer(index, ty), align=self._align)

    def store(self, index: ir.Value, value: ir.Value) -> None:
        self._builder.store(value, self._pointer(index, value.type), align=self._align)


@intrinsic(prefer_literal=True)
def load(typingctx: Any, array: Any, index: Any, registers: Any) -> Any:
    """``load(array, index, registers)``: lanes from a flat contiguous array, starting at ``index``; unchecked."""
    if not isinstance(array, types.Array) or not isinstance(registers, types.IntegerLiteral):
        return None
    lanes = _lanes(array.dtype, registers.literal_value)

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        return _Memory(context, builder, array, args[0]).load(args[1], context.get_value_type(lanes))

    return signature(lanes, array, types.intp, registers), codegen


@intrinsic(prefer_literal=True)
def load_splat(typingctx: Any, array: Any, index: Any, registers: Any) -> Any:
    """``load_splat(array, index, registers)``: the number at ``index`` in every lane; unchecked."""
    if not isinstance(array, types.Array) or not isinstance(registers, types.IntegerLiteral):
        return None
    lanes = _lanes(array.dtype, registers.literal_value)

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        value = _Memory(context, builder, array, args[0]).load(args[1], context.get_value_type(array.dtype))
        return _fill(value, lanes.count, builder)

    return signature(lanes, array, types.intp, registers), codegen


@intrinsic
def store(typingctx: Any, array: Any, index: Any, lanes: Any) -> Any:
    """``store(array, index, lanes)``: write lanes to a flat contiguous array from ``index`` on; unchecked."""
    if not isinstance(array, types.Array) or not isinstance(lanes, Lanes) or lanes.dtype != array.dtype:
        return None

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        _Memory(context, builder, array, args[0]).store(args[1], args[2])
        return context.get_dummy_value()

    return signature(types.void, array, types.intp, lanes), codegen


def _reduce(builder: ir.IRBuilder, vector: ir.Value, combine: str) -> ir.Value:
    """Combine all lanes: upper half with lower half, again and again."""
    count = vector.type.count
    while count > 1:
        count //= 2
        low = _shuffle(builder, vector, vector, list(range(count)))
        high = _shuffle(builder, vector, vector, list(range(count, 2 * count)))
        vector = getattr(builder, combine)(low, high)
    return builder.extract_element(vector, ir.Constant(ir.IntType(32), 0))


@intrinsic
def reduce_add(typingctx: Any, x: Any) -> Any:
    """``reduce_add(x)``: the sum of all lanes, as a float; halves are added to halves, so the order is fixed."""
    if not isinstance(x, Lanes):
        return None
    return signature(x.dtype, x), lambda context, builder, sig, args: _reduce(builder, args[0], "fadd")


@intrinsic
def reduce_mul(typingctx: Any, x: Any) -> Any:
    """``reduce_mul(x)``: the product of all lanes, as a float64; in the order of :func:`reduce_add`."""
    if not isinstance(x, Lanes):
        return None

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        wide = ir.VectorType(ir.DoubleType(), x.count)
        return _reduce(builder, args[0] if args[0].type == wide else builder.fpext(args[0], wide), "fmul")

    return signature(types.float64, x), codegen


# Rows of accumulators: one register for each of several sums that grow side by side


@intrinsic
def zeros(typingctx: Any, array: Any, shape: Any) -> Any:
    """``zeros(array, shape)``: one register of zeros for each entry of the tuple ``shape``, of the array's type."""
    if not isinstance(array, types.Array) or not isinstance(shape, types.UniTuple):
        return None
    row = types.UniTuple(_lanes(array.dtype, 1), shape.count)

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        return ir.Constant(context.get_value_type(row), None)

    return signature(row, array, shape), codegen


@intrinsic
def accumulate(typingctx: Any, row: Any, g: Any, array: Any, index: Any, stride: Any) -> Any:
    """``accumulate(row, g, array, index, stride)``: add g x_f to the f-th register, x_f read at index + f stride."""
    if not isinstance(row, types.UniTuple) or (row.count and row.dtype != g) or not isinstance(array, types.Array):
        return None

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        new, factor, data, index, stride = args
        memory = _Memory(context, builder, array, data)
        for f in range(row.count):
            product = factor, memory.load(index, factor.type)
            new = builder.insert_value(new, _call_llvm(builder, "fma", *product, builder.extract_value(new, f)), f)
            index = builder.add(index, stride)
        return new

    return signature(row, row, g, array, types.intp, types.intp), codegen


def _merge(builder: ir.IRBuilder, first: ir.Value, second: ir.Value, items: int) -> ir.Value:
    """Half the number of partial sums of each item: two registers of ``items`` each become one of twice as many."""
    count = first.type.count
    width = count // items
    low = [v * count + i * width + j for v in range(2) for i in range(items) for j in range(width // 2)]
    high = [place + width // 2 for place in low]
    return builder.fadd(_shuffle(builder, first, second, low), _shuffle(builder, first, second, high))


@intrinsic
def add_reduced(typingctx: Any, array: Any, index: Any, row: Any) -> Any:
    """``add_reduced(array, index, row)``: add the sum of each register of row to array, from index on.

    The sums are those of :func:`reduce_add`, bit for bit, but made for a full register of them at once. Entries up
    to the next multiple of a register's length are rewritten too.
    """
    if not isinstance(row, types.UniTuple) or not isinstance(array, types.Array):
        return None

    def codegen(context: Any, builder: ir.IRBuilder, sig: Any, args: Any) -> ir.Value:
        memory = _Memory(context, builder, array, args[0])
        registers = [builder.extract_value(args[2], i) for i in range(row.count)]
        ty = registers[0].type
        registers += [ir.Constant(ty, None)] * (-len(registers) % ty.count)
        for first in range(0, len(registers), ty.count):
            level = registers[first : first + ty.count]
            items = 1
            while len(level) > 1:
                level = [_merge(builder, level[i], level[i + 1], items) for i in range(0, len(level), 2)]
                items *= 2
            index = builder.add(args[1], ir.Constant(args[1].type, first))
            memory.store(index, builder.fadd(memory.load(index, ty), level[0]))
        return context.get_dummy_value()

    return signature(types.void, array, types.intp, row), codegen

// Shapes with symbolic axes. A dimension is a number, or the name of an axis that is only known when the graph runs, such as
// 'batch' or 'sequence', or a product of both kinds, written '65*batch'.

export type Dim = number | string;
export type Shape = readonly Dim[];

/** The product of dimensions: a number where all are known, otherwise '<number>*<names in order>'. */
export function productOf(dims: Shape): Dim {
  let known = 1;
  const names: string[] = [];
  for (const dim of dims) {
    if (typeof dim === 'number') {
      known *= dim;
      continue;
    }
    for (const factor of dim.split('*')) {
      const value = Number(factor);
      if (Number.isNaN(value)) names.push(factor);
      else known *= value;
    }
  }
  if (names.length === 0) return known;
  return [...(known === 1 ? [] : [String(known)]), ...names.sort()].join('*');
}

/** Elements of a shape whose axes are all known; throws where one is symbolic. */
export function sizeOf(shape: Shape): number {
  const size = productOf(shape);
  if (typeof size === 'string')
    throw new Error(`The shape [${shape.join(', ')}] has a symbolic axis, so its size is not known.`);
  return size;
}

/** Lengths that are all known; throws where an axis is symbolic. */
export function knownLengths(shape: Shape): readonly number[] {
  return shape.map((_, axis) => lengthAt(shape, axis));
}

/** The length of one axis, which a negative number counts from the end; throws where it is symbolic or not there. */
export function lengthAt(shape: Shape, axis: number): number {
  const length = shape.at(axis);
  if (typeof length === 'number') return length;
  throw new Error(
    length === undefined
      ? `The shape [${shape.join(', ')}] has no axis ${axis}.`
      : `The shape [${shape.join(', ')}] has the symbolic axis ${length}, whose length must be known here.`,
  );
}

/** How many parts of `size` an axis has; throws where something would be left over. */
export function partsAt(shape: Shape, axis: number, size: number): number {
  const length = lengthAt(shape, axis);
  if (length % size === 0) return length / size;
  throw new Error(`Axis ${axis} of the shape [${shape.join(', ')}] is not a multiple of ${size}.`);
}

/** The shape of an elementwise operation's result, by NumPy's rules. */
export function broadcast(a: Shape, b: Shape): Dim[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left === right || right === 1) return left;
    if (left === 1) return right;
    throw new Error(`Shapes [${a.join(', ')}] and [${b.join(', ')}] do not broadcast.`);
  });
}

/** The axes of `result` along which `operand` was repeated to fill it. */
export function broadcastAxes(operand: Shape, result: Shape): number[] {
  const missing = result.length - operand.length;
  return result.flatMap((dim, axis) => (axis < missing || operand[axis - missing] !== dim ? [axis] : []));
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}

/** An axis counted from the end, as ONNX allows, counted from the start. */
export function positiveAxis(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

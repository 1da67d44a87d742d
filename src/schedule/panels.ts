import type { Node } from '../graph/graph.js';
import type { Access, GemmKernel, Kernel, Storage } from '../kernels/kernel.js';
import { isOfParts } from '../kernels/sum-order.js';
import { type InPanels, PANEL_WIDTH, tilingOf, timeOfTiles } from '../kernels/tiling.js';
import { identityStrides } from '../kernels/view.js';
import { numel, type Shape } from '../shape.js';
import { emptyList, known } from './known.js';
import { makesOperandOf } from './prologue.js';

// A matrix among the variables may lie in memory in panels: its columns in groups of some width, each group row by row. A
// product whose right operand it is reads them as they lie, and one whose epilogue makes the matrix anew, as a gradient with
// the optimizer's update behind it does, writes what lies side by side. Who takes it as a transposed right operand copies
// it anyway. All entries share the variables, and no other kernel may touch one that lies so.

/** Kernels before they are in order, and where values lie. */
export interface Placed {
  readonly kernels: readonly Kernel[];
  readonly storage: ReadonlyMap<Node, Storage>;
}

type Product = GemmKernel & Kernel;
/** How a product touches a matrix: as its right operand or the transpose of that, or point by point in its epilogue. */
type Role = 'right' | 'transposed' | 'points';

interface Use {
  readonly kernel: Product;
  readonly role: Role;
  /** Of the matrix. */
  readonly shape: Shape;
}

type Uses = ReadonlyMap<string, readonly Use[]>;

/** Matrices that the same products work on, and these products with what they do: all lie in panels, or none. */
interface Family {
  readonly names: Set<string>;
  readonly products: Map<Product, Role[]>;
}

/**
 * What a vector costs more, in steps of a tile, that is copied from panels to a transposed one rather than from rows, and
 * one that is made anew where rows of the left operand are copied, too, if its own begin on vectors. Measured with classifiers of 1,101 to 17,964 words
 * and an MLP, under SGD and Adam; elsewhere what is made anew takes less time on panels, the more the more state there is.
 */
const TRANSPOSE_TIME = 0.1;
const BLOCKED_TIME = 1.2;
/** Panels that are filled up to more than this many times the matrix are not worth it. */
const MOST_FILLED = 1.25;

/**
 * Lays variables in panels where the products of all entries together take less time then.
 * @param always also where they do not
 */
export function layInPanels<E extends Placed>(
  entries: Readonly<Record<string, E>>,
  always = false,
): Record<string, E> {
  const uses = usesOf(Object.values(entries));
  const panels = new Set<string>();
  const tilings = new Map<Kernel, InPanels>();
  for (const family of familiesOf(uses)) {
    if (!always && !isFaster(family, uses)) continue;
    for (const name of family.names) panels.add(name);
    for (const [kernel, roles] of family.products) tilings.set(kernel, inPanels(kernel, roles));
  }
  if (panels.size === 0) return { ...entries };
  const lay = (entry: E): E => ({
    ...entry,
    kernels: entry.kernels.map((kernel) => {
      const found = tilings.get(kernel);
      return found && kernel.kind === 'gemm' ? { ...kernel, tiling: tilingOf(kernel, found) } : kernel;
    }),
    storage: new Map(
      [...entry.storage].map(([node, at]): [Node, Storage] => {
        const lies = at.kind === 'variable' && panels.has(at.name);
        return [node, lies ? { ...at, panels: PANEL_WIDTH } : at];
      }),
    ),
  });
  return Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, lay(entry)]));
}

/** Who touches each variable that products alone touch, in ways that panels allow. */
function usesOf(entries: readonly Placed[]): Map<string, Use[]> {
  const uses = new Map<string, Use[]>();
  const refused = new Set<string>();
  for (const { kernels, storage } of entries) {
    for (const kernel of kernels) {
      for (const node of new Set([...kernel.loads, ...kernel.stores])) {
        const at = storage.get(node);
        if (at?.kind !== 'variable') continue;
        const roles = kernel.kind === 'gemm' ? rolesOf(kernel, node) : null;
        if (!roles) refused.add(at.name);
        const { shape } = node;
        for (const role of roles ?? [])
          known(uses, at.name, emptyList<Use>).push({ kernel: kernel as Product, role, shape });
      }
    }
  }
  for (const name of refused) uses.delete(name);
  return uses;
}

/** How a product touches a matrix, or null if it does so in a way that panels do not allow. */
function rolesOf(kernel: Product, node: Node): Set<Role> | null {
  const { a, b, members, domain } = kernel;
  const { shape, dtype } = node;
  const isMatrix = dtype === 'f32' && shape.length === 2 && shape.every((size) => size > 1);
  if (!isMatrix || a.source === node || makesOperandOf(kernel, node)) return null;
  const roles = new Set<Role>();
  if (b.source === node) {
    const role = operandOf(kernel, node);
    if (!role) return null;
    roles.add(role);
  }
  const own = identityStrides(domain);
  const isPoint = ({ strides, offset }: Access) =>
    offset === 0 && domain.every((size, axis) => size === 1 || strides[axis] === own[axis]);
  const [m, n] = domain.slice(-2);
  const isWhole = domain.slice(0, -2).every((size) => size === 1) && m === shape[0] && n === shape[1];
  for (const member of members) {
    const reads = member.reads.filter(({ source }) => source === node);
    const touches = reads.length > 0 || (member.node === node && kernel.stores.includes(node));
    if (!touches) continue;
    const plain = member.level === 'element' && member.node.op.lower.kind !== 'gather';
    if (!plain || !isWhole || isOfParts(members[0].node) || !reads.every(isPoint)) return null;
    roles.add('points');
  }
  return roles.size > 0 ? roles : null;
}

/** As what a product reads its right operand. */
function operandOf({ b: { strides, offset, digits } }: Product, { shape: [, columns] }: Node): Role | null {
  const [batch, [row, column]] = [strides.slice(0, -2), strides.slice(-2)];
  if (offset !== 0 || digits) return null;
  if (row === columns && column === 1) return batch.every((stride) => stride === 0) ? 'right' : null;
  // Parts of the transpose, cut along k, are columns of the matrix.
  return row === 1 && column === columns && batch.every((stride) => stride < columns) ? 'transposed' : null;
}

function familiesOf(uses: Uses): Set<Family> {
  const families = new Set<Family>();
  const known = new Map<Product, Family>();
  for (const [name, list] of uses) {
    const family: Family = { names: new Set([name]), products: new Map() };
    families.add(family);
    for (const { kernel, role } of list) {
      // Who copies the transpose can do so whatever else lies in panels.
      if (role === 'transposed') continue;
      const other = known.get(kernel);
      if (other && other !== family) {
        families.delete(other);
        for (const one of other.names) family.names.add(one);
        for (const [product, roles] of other.products) {
          known.set(product, family);
          family.products.set(product, [...(family.products.get(product) ?? []), ...roles]);
        }
      }
      known.set(kernel, family);
      family.products.set(kernel, [...(family.products.get(kernel) ?? []), role]);
    }
  }
  return families;
}

/** Whether the products of a family, one of which copies its right operand now, take less time on panels. */
function isFaster(family: Family, uses: Uses): boolean {
  const products = [...family.products];
  if (!products.some(([{ tiling }, roles]) => roles.includes('right') && tiling.packB === 'copy'))
    return false;
  const columns = products[0][0].domain.at(-1)!;
  if (PANEL_WIDTH * Math.ceil(columns / PANEL_WIDTH) > MOST_FILLED * columns) return false;
  const before = products.reduce((sum, [kernel]) => sum + timeOfTiles(kernel, kernel.tiling), 0);
  const after = products.reduce(
    (sum, [kernel, roles]) => {
      const placed = inPanels(kernel, roles);
      return sum + timeOfTiles(kernel, tilingOf(kernel, placed), placed);
    },
    aroundTime(family, uses),
  );
  return after < before;
}

/** What panels cost more beside the tiles. */
function aroundTime({ names }: Family, uses: Uses): number {
  const cost = ({ role, kernel, shape }: Use) => {
    if (role === 'transposed') return TRANSPOSE_TIME;
    return role === 'points' && kernel.tiling.packA && shape[1] % 4 === 0 ? BLOCKED_TIME : 0;
  };
  return [...names]
    .flatMap((name) => uses.get(name)!)
    .reduce((sum, use) => sum + (cost(use) * numel(use.shape)) / 4, 0);
}

function inPanels(kernel: Product, roles: readonly Role[]): InPanels {
  const made = roles.filter((role) => role === 'points').length;
  return { width: PANEL_WIDTH, b: roles.includes('right'), c: made >= kernel.stores.length };
}

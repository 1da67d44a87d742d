import { GraphError } from '../errors.js';
import { isResult } from '../ops/results.js';
import { formatResults, formatType, numel, type ResultType, sameResults, sameType } from '../shape.js';
import { bodiesOf, constantAttrs, type Graph, inputAttrs, isConstant, isInput, type Node } from './graph.js';
import { nodeNames, printNode } from './print.js';

/** Nodes whose own rules hold: they never change, so checking them once is enough. */
const sound = new WeakSet<Node>();

/**
 * Checks every rule of the IR; throws a GraphError that names the broken rule, the pass that broke it and
 * the node as printed. Passes may rely on what is checked here.
 */
export function verifyGraph(graph: Graph, afterPass: string): void {
  const fail = (rule: string, node?: Node): never => {
    const text = node ? `: ${printNode(node, nodeNames(graph))}` : '';
    throw new GraphError(`after ${afterPass}: ${rule}${text}`);
  };
  const all = new Set(graph.nodes);
  if (all.size !== graph.nodes.length) fail('a node stands twice in the graph', firstRepeated(graph.nodes));
  const above = new Set<Node>();
  const inputs = new Set(graph.inputs);
  for (const node of graph.nodes) {
    for (const input of node.inputs) {
      if (!all.has(input)) fail('a node reads one that is not of this graph', node);
      if (!above.has(input)) fail('a node must stand after its inputs', node);
      if (input.results && !isResult(node.op))
        fail('only a node result may read one that has several results', node);
    }
    above.add(node);
    if (isInput(node) && !inputs.has(node)) fail('an input must be in the list of inputs', node);
    if (sound.has(node)) continue;
    const expected = expectedType(node, (message) => fail(`the op refuses its inputs (${message})`, node));
    if (!sameResults(node, expected))
      fail(`a node's type must be what its op says, ${formatResults(expected)}`, node);
    for (const [name, body] of bodiesOf(node))
      verifyBody(body, `${afterPass}, in ${name} of ${node.op.name}`);
    if (isConstant(node)) {
      const { length } = constantAttrs(node).values;
      if (length !== 1 && length !== numel(node.shape))
        fail('a constant has one value, or one for each element', node);
    }
    sound.add(node);
  }
  for (const input of graph.inputs) {
    if (!all.has(input)) fail('an input must be one of the nodes', input);
    if (!isInput(input)) fail('the list of inputs holds a node that is computed', input);
  }
  const repeatedInput = firstRepeated(graph.inputs.map((input) => inputAttrs(input).name));
  if (repeatedInput !== undefined) fail(`two inputs are called ${JSON.stringify(repeatedInput)}`);
  const repeatedOutput = firstRepeated(graph.outputs.map((output) => output.name));
  if (repeatedOutput !== undefined) fail(`two outputs are called ${JSON.stringify(repeatedOutput)}`);
  for (const { name, node } of graph.outputs) {
    if (!all.has(node)) fail(`output ${JSON.stringify(name)} is not one of the nodes`, node);
    if (node.results) fail(`output ${JSON.stringify(name)} has several results: name one of them`, node);
  }
  for (const { variable, value } of graph.updates) {
    if (!inputs.has(variable) || inputAttrs(variable).role === 'input') {
      fail('an update must be of a parameter or a state', variable);
    }
    const name = JSON.stringify(inputAttrs(variable).name);
    if (!all.has(value)) fail(`the update of ${name} is not one of the nodes`, value);
    if (!sameType(variable, value)) fail(`the update of ${name} must be ${formatType(variable)}`, value);
  }
  const repeatedUpdate = firstRepeated(graph.updates.map((update) => update.variable));
  if (repeatedUpdate) fail('a variable is updated twice', repeatedUpdate);
}

/** A graph inside of a node is a function: all that it reads are its inputs, and it changes nothing. */
function verifyBody(body: Graph, place: string): void {
  verifyGraph(body, place);
  const variable = body.nodes.find((node) => isInput(node) && inputAttrs(node).role !== 'input');
  if (variable || body.updates.length > 0)
    throw new GraphError(`after ${place}: a graph inside of a node has no variables and updates none`);
}

function expectedType(node: Node, refuse: (message: string) => never): ResultType {
  try {
    return node.op.type(node.inputs, node.attrs);
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

function firstRepeated<T>(list: readonly T[]): T | undefined {
  const seen = new Set<T>();
  for (const item of list) {
    if (seen.has(item)) return item;
    seen.add(item);
  }
  return undefined;
}

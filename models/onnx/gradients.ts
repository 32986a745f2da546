// Reverse-mode differentiation. `gradients` walks the graph's nodes from the loss backwards and adds, for each, the nodes that
// its rule (gradient-rules.ts) gives; contributions to a value that several nodes read are added up. Only what a parameter
// depends on is differentiated: the runtime executes every node of a graph, needed or not.

import { gradientRules } from './gradient-rules.ts';
import type { Graph, GraphNode, Parameter, Value } from './graph.ts';
import { add } from './operators.ts';

/**
 * A parameter's gradient. A table that is only looked up in gets the gradients of the looked-up rows, in order and with
 * repetitions: adding them up in a graph is not deterministic on a CPU (ScatterND adds in parallel), so the optimiser does it.
 */
export type Gradient =
  | { readonly kind: 'dense'; readonly value: Value }
  | {
      readonly kind: 'rows';
      readonly indices: Value;
      readonly rows: Value;
      /** Rows of the whole table. */
      readonly count: number;
    };

/** Adds the gradients of a scalar `loss` with respect to every parameter that it depends on. */
export function gradients(g: Graph, loss: Value): Map<string, Gradient> {
  const active = dependents(
    g.nodes,
    [...g.parameters.values()].filter(({ trainable }) => trainable),
  );
  if (loss.shape.length > 0)
    throw new Error(`A loss is a scalar; ${loss.name} has the shape [${loss.shape.join(', ')}].`);
  if (!active.has(loss.name)) throw new Error('The loss does not depend on any parameter.');

  const adjoints = new Map<string, Value>([[loss.name, g.scalar(1)]]);
  const accumulate = (value: Value, adjoint: Value) => {
    const known = adjoints.get(value.name);
    adjoints.set(value.name, known ? add(g, known, adjoint) : adjoint);
  };
  const rows = new Map<string, Gradient>();

  for (const node of g.nodes.slice().reverse()) {
    const adjoint = adjoints.get(node.outputs[0].name);
    if (!adjoint || !active.has(node.outputs[0].name)) continue;
    if (node.op === 'Gather') {
      const [table, indices] = node.inputs;
      const parameter = g.parameters.get(table.name);
      if (!parameter) throw new Error(`Gather is differentiated for parameters only, not for ${table.name}.`);
      if (rows.has(table.name))
        throw new Error(`The table ${table.name} is looked up twice; its gradient would need adding.`);
      rows.set(table.name, { kind: 'rows', indices, rows: adjoint, count: parameter.shape[0] });
      continue;
    }
    const rule = gradientRules[node.op];
    if (!rule) throw new Error(`The operator ${node.op} has no gradient rule.`);
    const needed = node.inputs.map((input) => active.has(input.name));
    rule({ g, node, inputs: node.inputs, output: node.outputs[0], adjoint, needed }).forEach(
      (gradient, i) => {
        if (gradient && needed[i]) accumulate(node.inputs[i], gradient);
      },
    );
  }

  const result = new Map<string, Gradient>(rows);
  for (const name of g.parameters.keys()) {
    const value = adjoints.get(name);
    if (value && result.has(name))
      throw new Error(`The parameter ${name} is both looked up and used as a whole.`);
    if (value) result.set(name, { kind: 'dense', value });
  }
  return result;
}

/** Names of the values that depend on a parameter through floating-point results. */
function dependents(nodes: readonly GraphNode[], parameters: Iterable<Parameter>): Set<string> {
  const active = new Set(Array.from(parameters, ({ name }) => name));
  for (const { inputs, outputs } of nodes) {
    if (!inputs.some(({ name }) => active.has(name))) continue;
    for (const { name, type } of outputs) if (type === 'float32') active.add(name);
  }
  return active;
}

// Pages with every kind of picture, of data that asks for much: long names, small numbers, curves that run everywhere.
import {
  confusionChart,
  diagnosticsSections,
  dotToSvg,
  heatMap,
  histogram,
  imageGrid,
  labelMap,
  lineChart,
  lossCurve,
  rateCurve,
  reportPage,
  type Section,
} from '../../src/report/index.js';
import { memoryMap } from '../../src/report/memory-map.js';
import type { DiagnosticsRecord, Spread } from '../../src/train/diagnostics.js';

const wave = (n: number, by: number) => Float64Array.from({ length: n }, (_, i) => Math.sin(i * by));

/** Of a normal distribution, about. */
function spread(scale: number, reach = 4): Spread {
  const counts = Array.from({ length: 64 }, (_, i) =>
    Math.round(1000 * Math.exp(-((((i - 31.5) / 32) * reach) ** 2) / 2)),
  );
  return { mean: 0, std: scale, low: -reach * scale, high: reach * scale, counts, notFinite: 3 };
}

function record(at: number, names: readonly string[], scale: number): DiagnosticsRecord {
  return {
    at,
    loss: 3,
    layers: names.map((name, i) => ({
      name,
      op: 'tanh',
      activation: spread(1),
      gradient: spread(scale, 3 + i),
      saturated: 0.1,
      dead: 0.01 * i,
    })),
    parameters: names.flatMap((name, i) =>
      [[3, 4], [4]].map((shape) => ({
        name: `${name}.${shape.length > 1 ? 'weight' : 'bias'}`,
        shape,
        data: { mean: 0, std: 1 },
        gradient: spread(scale, 3 + i),
        update: { mean: 0, std: 0.001 },
        gradientToData: -2 + Math.sin(at * (i + 2)),
        updateToData: -3 + Math.sin(at * (i + 1)) / 3,
      })),
    ),
  };
}

const diagnostics = (names: readonly string[], scale: number): Section[] =>
  diagnosticsSections({
    every: 1,
    records: Array.from({ length: 80 }, (_, i) => record(5 * i, names, scale)),
  });

const LONG = ['aVeryLongNameOfAModel.blocks.0.attention.input', 'WWWWWWWWWWWW.MMMMMMMM', 'i'];

function curves(): Section[] {
  const steps = Float64Array.from({ length: 900 }, (_, i) => 1234 * (i + 1));
  const losses = wave(900, 0.7).map((noise, i) => 2 + 5e-5 + Math.exp(-i / 90) + 0.9 * noise);
  const rates = Array.from({ length: 300 }, (_, i) => 1e-3 * 10 ** (i / 110));
  const rising = rates.map((rate, i) => 3 + Math.sin(i) + rate);
  return [
    {
      heading: 'Loss over the steps',
      svg: lossCurve({
        title: 'Names: context 3, hidden 200, batch 32',
        steps,
        losses,
        smoothed: losses,
        dev: [{ step: steps[899], loss: 2.5 }],
        baseline: { value: 2.2, label: 'uniform 2.2000' },
      }),
    },
    {
      heading: 'A tiny loss',
      svg: lossCurve({
        title: 'Small',
        steps,
        losses: losses.map((loss, i) => (loss + 1) * Math.exp(-i / 40)),
        baseline: { value: 0.001, label: 'gg 0.001' },
      }),
    },
    {
      heading: 'One run with a rising rate',
      svg: rateCurve({
        title: 'Rates',
        rates,
        losses: rising,
        smoothed: rising,
        bounds: { lower: 0.0013, upper: 0.4 },
        suggestion: 0.3,
      }),
    },
    {
      heading: 'Lines & guides',
      svg: lineChart({
        title: 'Lines & guides',
        x: 'tokens',
        y: 'log10(std(gradient) / std(data))',
        series: LONG.map((label, k) => ({
          label,
          points: Array.from({ length: 200 }, (_, i) => ({ x: 1e7 * i, y: Math.sin(i / (k + 1)) / 1e4 })),
        })),
        guides: [
          { label: 'jumping: gap', points: [0, 1e9, 2e9].map((x) => ({ x, y: 0 })) },
          { label: 'a slope', points: [0, 1e9, 2e9].map((x) => ({ x, y: x / 4e13 })) },
        ],
      }),
    },
  ];
}

function matrices(): Section[] {
  const names = Array.from({ length: 25 }, (_, i) => `class ${i}`);
  const species = ['Iris setosa of the north', 'Iris versicolor of the north', 'Iris virginica of the north'];
  const counts = names.flatMap((_, i) => names.map((_, j) => (i === j ? 90 : (i * j) % 3)));
  return [
    { heading: 'Many classes', svg: confusionChart({ title: 'Many classes', classes: names, counts }) },
    {
      heading: 'confusion on test',
      svg: confusionChart({
        title: 'confusion on test',
        classes: species,
        counts: [9, 1, 0, 2, 8, 0, 0, 3, 7],
      }),
    },
    {
      heading: 'Who looks where',
      svg: heatMap({
        title: 'Who looks where',
        x: 'to',
        y: 'from',
        columns: names,
        rows: names,
        values: names.map((_, i) => names.map((_, j) => (i * j) % 7)),
      }),
    },
    {
      heading: 'Images of test, and what they are taken for',
      svg: imageGrid({
        title: 'Images of test, and what they are taken for',
        images: Array.from({ length: 12 }, (_, i) => wave(64, i + 1)),
        height: 8,
        width: 8,
        labels: Array.from({ length: 12 }, (_, i) => `${i}`),
      }),
    },
    {
      heading: 'Memory of train',
      svg: memoryMap('train: 4,096 bytes for 2 buffers', [
        { name: 'tanh', address: 64, bytes: 2048, from: 0, to: 3, over: null },
        { name: 'add', address: 2112, bytes: 2048, from: 1, to: 4, over: null },
        { name: 'mul', address: 64, bytes: 2048, from: 3, to: 6, over: 'tanh' },
      ]),
    },
    {
      heading: 'Words',
      svg: labelMap({
        title: 'Words',
        points: Array.from({ length: 60 }, (_, i) => ({
          label: `word${i}`,
          x: Math.sin(i * 7),
          y: Math.cos(i * 3),
        })),
      }),
    },
    {
      heading: 'Two distributions',
      svg: histogram({
        title: 'Two distributions',
        label: 'value',
        domain: [-2e-7, 2e-7],
        series: [
          { label: 'first', values: wave(500, 1).map((x) => 3e-7 * x) },
          { label: 'second', values: wave(500, 2).map((x) => 1e-7 * x) },
        ],
      }),
    },
  ];
}

/** A graph that no screen shows at once. */
async function graphs(): Promise<Section[]> {
  const colors = ['#ffffff', '#ffe9b8', '#b9d7f5', '#dcf2dc'];
  const nodes = Array.from(
    { length: 40 },
    (_, i) =>
      `n${i} [label=<node ${i}<br/><font point-size="9">f32[2,3]</font>> style=filled fillcolor="${colors[i % 4]}" color="#777777"]; n${i} -> n${i + 1}; n${i} -> n${Math.min(40, i + 7)};`,
  );
  const dot = `digraph "names.train" { graph [bgcolor="transparent"] node [shape=box fontname="Helvetica"] edge [color="#555555"] ${nodes.join('\n')} }`;
  const foreign = `digraph { node [style=filled fillcolor="lightyellow"] a -> b }`;
  return [
    { heading: 'The training step as a graph', svg: await dotToSvg(dot) },
    { heading: 'A graph in other colors', svg: await dotToSvg(foreign) },
  ];
}

export async function pages(): Promise<Record<string, string>> {
  const page = (title: string, sections: Section[]) =>
    reportPage({ title, summary: [['loss on dev', '2.4361']], sections });
  return {
    diagnostics: page('Diagnostics', diagnostics(['embedding', 'hidden', 'output'], 0.0004)),
    long: page('Long names', diagnostics([...LONG, ...LONG.map((name) => `${name}2`)], 4e-7)),
    curves: page('Curves', curves()),
    matrices: page('Matrices', matrices()),
    graphs: page('Graphs', await graphs()),
  };
}

/**
 * Models as ONNX files, for who goes on in another engine.
 *
 * @module 2headgrad/onnx
 */

export { type OnnxOptions, toOnnx, type Weights } from './export.js';

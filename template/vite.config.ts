import grad from '2headgrad/vite';
import { defineConfig } from 'vite';

// The plugin compiles every file named *.grad.ts when it is imported; a relative base lets the page lie anywhere.
export default defineConfig({ base: './', plugins: [grad()] });

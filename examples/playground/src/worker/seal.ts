/**
 * Why a model must not run here, or null. In a worker of the frame (sealed/frame.ts) the origin is nobody's, and the
 * policy refuses to make code of text; where a browser does not hand down either, it would not keep data in.
 */
export function brokenSeal(): string | null {
  if (self.origin === 'null' && !canEvaluate()) return null;
  return 'this browser does not shut a model in: code in the editor could send your words away, so it is not run';
}

function canEvaluate(): boolean {
  try {
    new Function('');
    return true;
  } catch {
    return false;
  }
}

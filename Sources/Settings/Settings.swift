// Settings: what a user writes in YAML or JSON, from text to checked values.
//
//     text ──parseDocument──▶ Node ──Interpolation──▶ Node ──Shape.check──▶ [Diagnostic], then Section for typed reading
//
// A `Node` remembers where each word stands, so that every problem names file, line and column. A `Shape` declares what
// may be written; the checks, the JSON Schema for editors and the reference pages all come from the same declaration.

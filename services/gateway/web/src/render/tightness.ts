/**
 * GLSL: how little a fragment is stretched; `restSize` is the picture's size on screen at rest, in pixels.
 *
 * It is the smaller singular value of how the picture's pixels pass under those of the screen: 1 where nothing is
 * stretched, small across a cell that is pulled apart.
 */
export const TIGHTNESS = /* glsl */ `
  uniform vec2 restSize;

  float tightness(vec2 uv) {
    vec2 dx = dFdx(uv) * restSize;
    vec2 dy = dFdy(uv) * restSize;
    float sum = dot(dx, dx) + dot(dy, dy);
    float area = dx.x * dy.y - dx.y * dy.x;
    float root = sqrt(max(sum * sum - 4.0 * area * area, 0.0));
    return sqrt(max(sum - root, 0.0) * 0.5);
  }
`;

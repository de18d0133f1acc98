import type { PackedSplats, SparkRenderer, SplatMesh } from '@sparkjsdev/spark';
import type * as THREE from 'three';

/**
 * What is used of Spark that its documentation does not promise, and so may be otherwise in any other version. It was
 * read in this one, `SparkRenderer.ts` and `SplatGenerator.ts`: read it again before another is installed.
 */
export const READ_IN = '2.2.0';

/** How many splats the last frame drew. */
export const drawnSplats = (spark: SparkRenderer): number => spark.activeSplats;

/** Whether a worker or a read-back is under way: they cannot be called off. */
export const isBusy = (spark: SparkRenderer): boolean =>
  spark.sorting || Boolean(spark.lodWorker?.queue);

/** Whether Spark knows which splats of a mesh to draw: of one with levels of detail it has to choose first. */
export const isChosen = (spark: SparkRenderer, mesh: SplatMesh): boolean =>
  !mesh.packedSplats?.lodSplats || spark.lodInstances.has(mesh);

/** Whether what is drawn was sorted with this mesh in it; until then Spark draws what it had sorted before. */
export const isSorted = (spark: SparkRenderer, mesh: SplatMesh): boolean =>
  isChosen(spark, mesh) &&
  spark.activeSplats > 0 &&
  spark.display.mapping.some(({ node }) => node === mesh);

/** Has Spark look at a scene from a camera and begin to sort, without drawing. */
export async function sortFor(
  spark: SparkRenderer,
  scene: THREE.Scene,
  camera: THREE.PerspectiveCamera,
): Promise<void> {
  spark.dirty = false;
  await spark.update({ scene, camera });
}

/** The size that sorting goes by until a frame is drawn. */
export const sortingSize = (spark: SparkRenderer): THREE.Vector2 => spark.renderSize;

/** Forgets what the last frame drew, which Spark would go on drawing until something else is there. */
export const forgetSplats = (spark: SparkRenderer): void => spark.clearSplats();

/** The splats that a mesh draws: its levels of detail where it has them. */
export const splatsOf = (mesh: SplatMesh): PackedSplats | undefined =>
  mesh.packedSplats?.lodSplats ?? mesh.packedSplats;

/** Has Spark look again at an array of packed splats that was written in place. */
export function lookAgain(splats: PackedSplats, mesh: SplatMesh): void {
  splats.needsUpdate = true;
  mesh.updateVersion();
}

import type { Told } from './told';

/**
 * What services tell in words of what they made, where it has no code: in German. {} is whatever stands there, which may
 * be told here as well; {0} is the first of it.
 */
export const told: Told = {
  // Why another model ran
  '{} was used': '{0} wurde verwendet',
  'the built-in estimator': 'der eingebaute Schätzer',
  '{} ran a second time with less effort, as memory ran out':
    '{0} lief noch einmal mit weniger Aufwand, weil der Speicher nicht reichte',
  '{} ran out of memory, at half the resolution too':
    'der Speicher von {0} reichte nicht, auch nicht bei halber Auflösung',
  'it needs {} MB of {} memory and {} MB are free':
    'es braucht {0} MB Speicher von {1}, und {2} MB sind frei',
  'its weights do not fit into memory': 'seine Gewichte passen nicht in den Speicher',
  'its weights do not fit into the memory of {}':
    'seine Gewichte passen nicht in den Speicher von {0}',
  'its weights do not make the network: {}': 'seine Gewichte passen nicht zum Netz: {0}',
  'its weights are not on this worker; download it first':
    'seine Gewichte sind nicht auf diesem Arbeiter; lade es zuerst herunter',
  '{} is not installed': '{0} ist nicht installiert',
  'the network does not run: {}': 'das Netz läuft nicht: {0}',
  'the network made no Gaussians': 'das Netz machte keine Splats',
  'this worker has no such network': 'dieser Arbeiter hat kein solches Netz',
  'this photo carries no depth map': 'dieses Foto trägt keine eigene Tiefe',
  '{} saw each frame by itself': '{0} sah jedes Bild für sich',
  'the photo has no depth yet and carries none, so it was guessed; make its depth, then the clip anew':
    'das Foto hat noch keine Tiefe und trägt keine, darum wurde sie geschätzt; mach erst seine Tiefe, dann den Clip neu',
  'no network (offline mode is on)': 'kein Netz (Herunterladen ist ausgeschaltet)',
  'no network ({}: {})': 'kein Netz ({0}: {1})',
  'no space: the disk of {} is full': 'kein Platz: die Platte von {0} ist voll',
  'no space: {} MB are needed in {}, {} MB are free':
    'kein Platz: {0} MB werden in {1} gebraucht, {2} MB sind frei',
  'cannot write to {}: {}': '{0} lässt sich nicht beschreiben: {1}',
  '{} refuses the download (HTTP {})': '{0} verweigert das Herunterladen (HTTP {1})',
  '{} has no such file (HTTP {}): {}': '{0} hat keine solche Datei (HTTP {1}): {2}',
  'what {} sent for {} is not the expected file: {}':
    'was {0} für {1} schickte, ist nicht die erwartete Datei: {2}',
  'the files in {} are not the expected ones': 'die Dateien in {0} sind nicht die erwarteten',
  'the licence {} has to be accepted first: {}':
    'die Lizenz {0} muss zuerst angenommen werden: {1}',
  'the weights ({}) are not here and are not fetched without being asked for':
    'die Gewichte ({0}) sind nicht hier und werden nicht ungefragt geholt',
  'the weights of {} are not here, or nobody agreed to their licence':
    'die Gewichte von {0} sind nicht hier, oder niemand hat ihrer Lizenz zugestimmt',
  'no network that estimates depth is here': 'kein Netz, das Tiefe schätzt, ist hier',
  'no network that sees many views is here': 'kein Netz, das viele Ansichten sieht, ist hier',
  'there is no network here that paints with it': 'kein Netz ist hier, das damit malt',
  'there is nothing here that runs networks': 'nichts ist hier, was Netze ausführt',
  // Why the server does not draw on its graphics device
  'the GPU has too little memory for this splat': 'die GPU hat zu wenig Speicher für diese Splats',
  "gsplat is not installed on this GPU's worker":
    'gsplat ist auf dem Arbeiter dieser GPU nicht installiert',
  "gsplat is installed on this GPU's worker, and cannot draw on its GPU; the worker's log says more":
    'gsplat ist auf dem Arbeiter dieser GPU installiert und kann auf ihr nicht zeichnen; sein Protokoll sagt mehr',
  // Why a picture is in no place
  'it shows nothing but plain surfaces': 'es zeigt nur glatte Flächen',
  'it is blurred': 'es ist unscharf',
  'the photo is not there any more': 'das Foto ist nicht mehr da',
  'it has nothing in common with another picture: another place, or too far from the others':
    'es hat mit keinem anderen Bild etwas gemeinsam: ein anderer Ort, oder zu weit weg von den anderen',
  'it is in a part of the pictures that does not hang together with the largest':
    'es gehört zu einem Teil der Bilder, der mit dem größten nicht zusammenhängt',
  'it has {} points in common with another picture, which do not tell where it was taken':
    'es hat {0} Punkte mit einem anderen Bild gemeinsam, die nicht sagen, wo es aufgenommen wurde',
  '{} has no camera for it': 'in {0} steht keine Kamera dafür',
  'it names {} pictures; {} of them were taken, evenly chosen, as a place is made of no more':
    'darin stehen {0} Bilder; {1} davon wurden gleichmäßig ausgewählt, da ein Ort aus nicht mehr gemacht wird',
  'all pictures are the same: take them from different spots, a step apart':
    'alle Bilder sind gleich: fotografiere von verschiedenen Stellen, einen Schritt auseinander',
  'the camera turned in one spot, so that nothing tells how far things are: take pictures from different spots, a step apart':
    'die Kamera drehte sich auf der Stelle, sodass nichts sagt, wie weit die Dinge weg sind: fotografiere von verschiedenen Stellen, einen Schritt auseinander',
  'one picture alone can be used, of which no place can be made: take more, from different spots':
    'nur ein Bild ist brauchbar, woraus kein Ort wird: mach mehr, von verschiedenen Stellen',
  // What went otherwise in a place
  'the pictures fall into {} parts that do not hang together; the largest was taken: {} of {}':
    'die Bilder zerfallen in {0} Teile, die nicht zusammenhängen; genommen wurde der größte: {1} von {2}',
  'memory ran out, so there are at most {} Gaussians':
    'der Speicher reichte nicht, darum sind es höchstens {0} Splats',
  'training was taken up again after step {}': 'das Training ging nach Schritt {0} weiter',
  'training began anew: {}': 'das Training begann von vorn: {0}',
  'the work began anew: {}': 'die Arbeit begann von vorn: {0}',
  "one photo alone shows the place better than all of them together, so this is that photo's splat":
    'ein Foto allein zeigt den Ort besser als alle zusammen, darum sind das die Splats dieses Fotos',
  '{} made the splat of that photo; its licence: {}':
    '{0} machte die Splats dieses Fotos; seine Lizenz: {1}',
  // What of a photo was left out
  "Apple's description of the carried depth left out: {}":
    'Apples Beschreibung der mitgebrachten Tiefe blieb weg: {0}',
  'confidence of the carried depth left out: {}':
    'wie sicher die mitgebrachte Tiefe ist, blieb weg: {0}',
  'carried depth left out: {}': 'die mitgebrachte Tiefe blieb weg: {0}',
  'HDR picture ({}) taken as it is, without tone mapping':
    'HDR-Bild ({0}) genommen, wie es ist, ohne Tonwerte anzupassen',
  "colour primaries {} (H.273) taken as sRGB's":
    'Grundfarben {0} (H.273) wie die von sRGB genommen',
  'colour profile left out: it is for {}, the picture is {}':
    'das Farbprofil blieb weg: es ist für {0}, das Bild ist {1}',
  'colour profile left out: {} bytes; the limit is {} bytes':
    'das Farbprofil blieb weg: {0} Bytes; die Grenze sind {1} Bytes',
  'colour profile left out: {}': 'das Farbprofil blieb weg: {0}',
  'colour code points left out: {}': 'die Kennzahlen der Farben blieben weg: {0}',
  'EXIF left out: {}': 'EXIF blieb weg: {0}',
  'XMP left out: its PNG chunk is damaged': 'XMP blieb weg: sein Abschnitt im PNG ist beschädigt',
  'XMP left out: {}': 'XMP blieb weg: {0}',
  'a raw profile left out: {}': 'ein rohes Profil blieb weg: {0}',
  "the PNG's transparency left out: its chunk fails its checksum":
    'die Transparenz des PNG blieb weg: die Prüfsumme ihres Abschnitts stimmt nicht',
  '{} left out: it unpacks to more than {} bytes':
    '{0} blieb weg: es entpackt sich zu mehr als {1} Bytes',
  '{} left out: {}': '{0} blieb weg: {1}',
  'the file ends early: of the lowest {} % of the picture some is missing':
    'die Datei endet zu früh: von den untersten {0} % des Bildes fehlt etwas',
  'the file is cut off at byte {}, behind its picture':
    'die Datei ist bei Byte {0} abgeschnitten, hinter ihrem Bild',
  "the photo's projection is {}; it is taken as a flat picture":
    'die Projektion des Fotos ist {0}; es wird wie ein flaches Bild genommen',
  // What a file of splats or points cannot hold
  'a level of detail: {} Gaussians merged into {}': 'eine Detailstufe: {0} Splats, vereint zu {1}',
  'Gaussians were sorted by place (Morton order)':
    'die Splats wurden nach ihrem Ort sortiert (Morton-Ordnung)',
  'Gaussians were sorted by size and opacity':
    'die Splats wurden nach Größe und Deckkraft sortiert',
  'Gaussians were grouped by the cube they are in':
    'die Splats wurden nach dem Würfel geordnet, in dem sie sind',
  'rotations, scales and opacities are kept in 16 bits: to 0.003°, 1 % and 0.000008':
    'Drehungen, Größen und Deckkraft haben 16 Bit: auf 0,003°, 1 % und 0,000008',
  'means are stored in steps of what their chunk of {} spans: up to {} m, {} m in the middle of all chunks':
    'Orte stehen in Schritten dessen, was ihr Block von {0} umfasst: bis zu {1} m, {2} m in der Mitte aller Blöcke',
  'means are stored in steps that grow with their distance from the origin: up to {} m, {} m in the middle of all':
    'Orte stehen in Schritten, die mit dem Abstand vom Ursprung wachsen: bis zu {0} m, {1} m in der Mitte aller',
  'means lie so far apart that all are stored in steps of {} m':
    'Orte liegen so weit auseinander, dass alle in Schritten von {0} m stehen',
  'means reach {} m, so all are stored in steps of {} m':
    'Orte reichen {0} m weit, darum stehen alle in Schritten von {1} m',
  'means are counted from their {}, which leaves them exact to {}; float32 would have moved them by up to {}':
    'Orte zählen von ihrem {0} aus und sind so auf {1} genau; float32 hätte sie um bis zu {2} verschoben',
  'x, y, z have more digits than float32 keeps: moved by up to {}':
    'x, y, z haben mehr Stellen, als float32 hält: um bis zu {0} verschoben',
  '{} have more digits than the 7 that float32 keeps':
    '{0} haben mehr als die 7 Stellen, die float32 hält',
  "points are moved by up to {} m, to {}'s grid":
    'Punkte sind um bis zu {0} m verschoben, auf das Raster von {1}',
  'the points have no colours: taken as white': 'die Punkte haben keine Farben: als weiß genommen',
  'colours of floats beyond 1: taken as from 0 to 255': 'Farben über 1: als von 0 bis 255 genommen',
  'colours of more than 8 bits are kept in 8: to 0.002':
    'Farben von mehr als 8 Bit haben hier 8: auf 0,002',
  'spherical harmonics of degree {}: at most degree {} is read':
    'Kugelflächenfunktionen vom Grad {0}: höchstens Grad {1} wird gelesen',
  'spherical harmonics of degree 1 to {}: the SHARP layout of ply holds degree 0':
    'Kugelflächenfunktionen vom Grad 1 bis {0}: die Form von SHARP in ply hält Grad 0',
  'spherical harmonics of degree {}: {} holds degree {}':
    'Kugelflächenfunktionen vom Grad {0}: {1} hält Grad {2}',
  'spherical harmonics of degree {}: degree {} was asked for':
    'Kugelflächenfunktionen vom Grad {0}: verlangt war Grad {1}',
  '{} has no place for the camera': '{0} hat keinen Platz für die Kamera',
  '{} has no place for where the cloud stands: {}':
    '{0} hat keinen Platz dafür, wo die Splats stehen: {1}',
  '{} has no place for the mark that the cloud was trained for antialiased rendering':
    '{0} hat keinen Platz für das Zeichen, dass die Splats für geglättetes Zeichnen trainiert sind',
  '{} dropped: so far from all others that they would lose precision':
    '{0} weggelassen: so weit von allen anderen, dass die ungenauer würden',
  '{} dropped: {}': '{0} weggelassen: {1}',
  'non-finite coordinates': 'Koordinaten, die keine Zahlen sind',
  '{} clamped to ±{}': '{0} auf ±{1} begrenzt',
  '{} (log-scale -inf): given a thickness of {} m':
    '{0} (Log-Größe -inf): bekamen eine Dicke von {1} m',
  '{} so far from all others that they would lose precision, clamped: moved to the edge of where those are, x, y and z from {} to {} m':
    '{0} so weit von allen anderen, dass die ungenauer würden: an deren Rand gerückt, x, y und z von {1} bis {2} m',
  '{} with an SH coefficient so far from all others that they would lose precision, clamped to {} to {}':
    '{0} mit einem SH-Koeffizienten so weit von allen anderen, dass die ungenauer würden, auf {1} bis {2} begrenzt',
  '{} with a {} so far from all others that they would lose precision, clamped':
    '{0} mit {1} so weit von allen anderen, dass die ungenauer würden, begrenzt',
  '{} with a colour outside 0 to 1, clamped': '{0} mit einer Farbe außerhalb von 0 bis 1, begrenzt',
  '{} with a {} outside {}, clamped': '{0} mit {1} außerhalb von {2}, begrenzt',
  '{} with a {}, clamped': '{0} mit {1}, begrenzt',
  'no scale_2: taken as flat Gaussians (2DGS), 2 nm thick':
    'kein scale_2: als flache Splats (2DGS) genommen, 2 nm dick',
  'no f_dc_*: colours taken from {}': 'kein f_dc_*: Farben aus {0} genommen',
  'filter_3D: fused into scales and opacities, as mip-splatting does':
    'filter_3D: in Größen und Deckkraft eingerechnet, wie es Mip-Splatting tut',
  'color_space is {}, wants 0 or 1: taken as sRGB':
    'color_space ist {0}, sein müsste es 0 oder 1: als sRGB genommen',
  'colorSpace is {}, wants {}: taken as sRGB':
    'colorSpace ist {0}, sein müsste es {1}: als sRGB genommen',
  'the kernel {}: taken as an ellipse': 'der Kern {0}: als Ellipse genommen',
  'the camera in the file is not usable: {}': 'die Kamera in der Datei ist nicht brauchbar: {0}',
  'named as {}, but its first bytes are those of {}: read as that':
    'heißt wie {0}, aber die ersten Bytes sind die von {1}: so gelesen',
  'point clouds beside the Gaussians ({}): ignored':
    'Punktwolken neben den Splats ({0}): übergangen',
  '{}: where its SPZ stands is not where the scene does: ignored':
    '{0}: wo sein SPZ steht, ist nicht, wo die Szene steht: übergangen',
  'the glTF extension {}: ignored': 'die glTF-Erweiterung {0}: übergangen',
  'the extension {} of spz, {}: ignored': 'die Erweiterung {0} von spz, {1}: übergangen',
  '{} that are no extension of spz: ignored': '{0}, die keine Erweiterung von spz sind: übergangen',
  'flags 0x{} of the spz header: ignored': 'die Zeichen 0x{0} im Kopf von spz: übergangen',
  'what follows the Gaussians in the spz stream: ignored':
    'was den Splats im Strom von spz folgt: übergangen',
  '{} behind the gzip stream: ignored': '{0} hinter dem gzip-Strom: übergangen',
  '{} after the last element: ignored': '{0} nach dem letzten Element: übergangen',
  'element {} and what follows it: ignored': 'das Element {0} und was ihm folgt: übergangen',
  'element {}: ignored': 'das Element {0}: übergangen',
  '{}: ignored': '{0}: übergangen',
  '{}: {} of the codebook null, taken from the others':
    '{0}: {1} der Tabelle leer, von den anderen genommen',
  '{}: {} of minus infinity, of flat Gaussians: as thin as can be':
    '{0}: {1} von minus unendlich, flache Splats: so dünn wie möglich',
  '{} {}: taken as {}': '{0} {1}: als {2} genommen',
  // What is counted
  '{} Gaussians': '{0} Splats',
  '{} Gaussian': '{0} Splat',
  '{} points': '{0} Punkte',
  '{} point': '{0} Punkt',
  '{} bytes': '{0} Bytes',
  '{} byte': '{0} Byte',
  // Why what is made of many waits
  'it works from {} to {} ({})': 'gearbeitet wird von {0} bis {1} ({2})',
  'a signal said not now': 'ein Signal sagte: jetzt nicht',
  'it waits for a signal that says now': 'wartet auf ein Signal, das „jetzt“ sagt',
  'there is no room on the disk': 'auf der Platte ist kein Platz',
  'what was made for you takes {} GB, of {} GB that you may have':
    'was für dich gemacht wurde, braucht {0} GB von {1} GB, die du haben darfst',
  'it waits for you to allow work in your absence (POST /api/me/standing-key)':
    'wartet, bis du Arbeit in deiner Abwesenheit erlaubst (POST /api/me/standing-key)',
  'the library does not answer: {}': 'die Bibliothek antwortet nicht: {0}',
  '{}; allow work in your absence anew': '{0}; erlaube Arbeit in deiner Abwesenheit neu',
  'what it is made of cannot be looked through: {}':
    'woraus es gemacht wird, lässt sich nicht durchsehen: {0}',
};

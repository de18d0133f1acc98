import type { Catalogue } from './catalogue';
import { teller } from './told';
import { told } from './toldInGerman';

const OTHER = 'Wähle etwas anderes.';
const RAISE = 'oder bitte, wer diesen Server betreibt, die Grenze zu heben.';
const DAMAGED =
  'Sie ist vielleicht beschädigt oder unvollständig. Öffne das Original, um das zu prüfen, oder lade es noch einmal hoch.';
const ONE_PHOTO =
  'Sie werden als ein Foto gezeigt. Für einen Ort: fotografiere von verschiedenen Stellen, einen Schritt auseinander.';

/** What the catalogue says, in German. */
export const catalogue: Catalogue = {
  errors: {
    invalid_image: ['Diese Datei ließ sich nicht als Foto lesen.', DAMAGED],
    image_too_large: [
      'Dieses Foto hat zu viele Pixel.',
      `Mach eine kleinere Kopie davon, ${RAISE}`,
    ],
    image_too_small: [
      'Dieses Foto hat zu wenige Pixel, um Tiefe darin zu sehen.',
      'Wähle eine größere Fassung; jede Seite braucht mindestens 32 Pixel.',
    ],
    unsupported_format: [
      'Diese Art von Datei lässt sich hier nicht verwenden.',
      'Die Einzelheiten sagen, was es ist und was hilft. Am besten sind JPEG, PNG, WebP, HEIC oder TIFF.',
    ],
    not_flat: [
      'Das ist ein Panorama oder Fischaugenbild, kein flaches Bild.',
      'Aus solchen Fotos wird noch kein 3D. Wähle eines mit gewöhnlichem Objektiv.',
    ],
    no_embedded_depth: ['Dieses Foto trägt keine eigene Tiefe.', 'Wähle ein anderes Modell.'],
    changed: [
      'Das Foto wurde inzwischen geändert.',
      'Versuche es noch einmal; dann zählt die neue Fassung.',
    ],
    not_ready: [
      'Die Bibliothek hat dieses Bild noch nicht gemacht.',
      'Warte, bis sie das Foto angesehen hat, und versuche es dann noch einmal.',
    ],
    invalid_video: ['Diese Datei ließ sich nicht als Video lesen.', DAMAGED],
    no_picture: ['Diese Datei hat Ton, aber kein bewegtes Bild.', 'Wähle ein Video.'],
    empty_video: ['Dieses Video hat kein Bild, das sich zeigen ließe.', DAMAGED],
    video_too_large: ['Dieses Video ist zu groß.', `Mach eine kleinere Kopie davon, ${RAISE}`],
    video_too_long: ['Dieses Video ist zu lang.', `Wähle einen Teil davon, ${RAISE}`],
    protected_video: [
      'Dieses Video ist verschlüsselt.',
      'Sein Schlüssel ist nicht hier. Wähle eines ohne Kopierschutz.',
    ],
    unsupported_video: [
      'Diese Art von Video lässt sich hier nicht verwenden.',
      'Wandle es in MP4 mit H.264 oder HEVC um.',
    ],
    outside_of_video: [
      'Diesen Teil hat das Video nicht.',
      'Wähle einen zwischen seinem Anfang und seinem Ende.',
    ],
    nothing_missing: [
      'Dieser Szene fehlt nichts, was zu füllen sich lohnte.',
      'Sie lässt sich verwenden, wie sie ist.',
    ],
    cannot_complete: [
      'Diese Szene lässt sich nicht vervollständigen.',
      'Die Einzelheiten sagen, was fehlt. Mach die Szene neu, dann fülle, was fehlt.',
    ],
    too_few_points: [
      'Vom Ort wurde zu wenig erkannt, um damit zu beginnen.',
      'Mach mehr Bilder davon, auf jedem mehr zu sehen, mit einem Schritt dazwischen.',
    ],
    too_few_pictures: [
      'Ein Ort braucht mindestens zwei Bilder.',
      'Wähle mehr Bilder davon, von verschiedenen Stellen.',
    ],
    too_many_pictures: [
      'Das sind mehr Bilder, als für einen Ort verwendet werden.',
      'Wähle die, die ihn von den meisten Stellen zeigen, oder ein Video davon.',
    ],
    all_blurred: [
      'Die Bilder sind zu unscharf, um darin etwas zu erkennen.',
      'Mach sie noch einmal mit mehr Licht, und halte bei jedem still.',
    ],
    nothing_to_recognise: [
      'Die Bilder zeigen zu wenig, was sich in einem anderen wiedererkennen lässt.',
      'Nimm mehr auf, was Muster oder Kanten hat; kahle Wände und Himmel haben keine.',
    ],
    no_overlap: [
      'Diese Bilder zeigen nicht denselben Ort, oder nicht genug davon.',
      'Wähle Bilder eines Ortes, von denen jedes viel von dem zeigt, was das vorige zeigt.',
    ],
    only_turned: [
      'Die Kamera hat sich nur gedreht; wie weit etwas weg ist, sagt dann nichts.',
      ONE_PHOTO,
    ],
    nothing_moved: ['Alle diese Bilder sind gleich.', ONE_PHOTO],
    invalid_dataset: [
      'Das ist kein Datensatz aus Bildern mit Kameras.',
      'Die Einzelheiten sagen, was daran falsch ist. Erwartet werden transforms.json, wie nerfstudio es schreibt, und seine Bilder.',
    ],
    dataset_too_large: ['Dieser Datensatz ist zu groß.', `Lass Bilder weg, ${RAISE}`],
    invalid_depth: [
      'Die gespeicherte Tiefe dieses Fotos ließ sich nicht lesen.',
      'Mach seine Tiefe neu, dann versuche es noch einmal.',
    ],
    invalid_splat: [
      'Die 3D-Datei dieses Fotos ist nicht gültig.',
      'Mach sie noch einmal. Geschieht es jedes Mal, melde es bitte.',
    ],
    unsupported_version: [
      'Diese 3D-Datei hat eine Version, die hier nicht bekannt ist.',
      'Speichere sie in einer älteren, oder aktualisiere ImmichVR.',
    ],
    corrupt_object: [
      'Eine gespeicherte Datei ist beschädigt oder verloren.',
      'Mach sie noch einmal; das Foto selbst ist heil.',
    ],
    lost_object: [
      'Eine gespeicherte Datei ist fort.',
      'Mach sie noch einmal; das Foto selbst ist heil.',
    ],
    result_missing: [
      'Was gemacht wurde, kam nicht im Speicher an.',
      'Versuche es noch einmal. Geschieht es jedes Mal, hilft ein Blick ins Protokoll des Servers.',
    ],
    source_replaced: [
      'Das 3D dieses Fotos wurde inzwischen neu gemacht.',
      'Frag noch einmal nach der Datei; sie wird dann aus dem neuen gemacht.',
    ],
    nothing_to_convert: [
      'Hier gibt es nichts umzuwandeln.',
      'Mach das 3D dieses Fotos noch einmal.',
    ],
    lost: [
      'Der Server hat diese Arbeit aus den Augen verloren.',
      'Versuche es noch einmal. Geschieht es wieder, hilft ein Blick ins Protokoll des Servers.',
    ],
    returned: ['Ein Arbeiter hat diese Arbeit zurückgegeben.', 'Warte: ein anderer nimmt sie.'],
    out_of_memory: [
      'Dem Server ging bei diesem Foto der Arbeitsspeicher aus.',
      'Versuche es, wenn er weniger zu tun hat, oder wähle ein kleineres Modell oder die leichte Fassung.',
    ],
    worker_crashed: [
      'Das Programm, das an diesem Foto arbeitete, ist unerwartet stehen geblieben.',
      'Nichts ist verloren. Versuche es noch einmal.',
    ],
    deadline_exceeded: [
      'Das hat länger gedauert, als der Server erlaubt.',
      'Versuche es, wenn er weniger zu tun hat, oder wähle ein schnelleres Modell.',
    ],
    poison: [
      'Dieses Foto hat den Arbeiter mehrmals angehalten und wurde beiseitegelegt.',
      'Man kann es noch einmal versuchen; scheitert es wieder, melde das Foto bitte.',
    ],
    cancelled: ['Das wurde abgebrochen.', 'Frag noch einmal danach, wenn du es doch möchtest.'],
    conflict: [
      'Jemand anders hat in diesem Augenblick dasselbe geändert.',
      'Versuche es noch einmal.',
    ],
    absence_not_allowed: [
      'Arbeit in deiner Abwesenheit ist noch nicht erlaubt.',
      'Erlaube sie zuerst, hier unter Konto.',
    ],
    key_reused: [
      'Dieser Schlüssel wurde schon mit einer anderen Anfrage geschickt.',
      'Schick jede Anfrage mit einem eigenen.',
    ],
    under_way: [
      'Dieselbe Anfrage wird gerade beantwortet.',
      'Warte, und schick sie dann noch einmal, um die Antwort zu bekommen.',
    ],
    model_error: [
      'Das Modell kam mit diesem Foto nicht zurecht.',
      'Wähle ein anderes Modell, oder versuche es mit einem anderen Foto.',
    ],
    already_ended: ['Das ist schon vorbei.', 'Es gibt nichts mehr anzuhalten.'],
    not_ended: ['Das ist noch im Gange.', 'Warte, bis es vorbei ist.'],
    not_known: ['Woraus das besteht, ist nicht mehr bekannt.', 'Frag neu danach.'],
    not_retriable: ['Das lässt sich so nicht noch einmal versuchen.', 'Frag neu danach.'],
    too_many_jobs: [
      'Du hast um so viel gebeten, wie auf einmal warten darf.',
      'Warte, bis etwas davon fertig ist, und bitte dann um mehr.',
    ],
    too_many_batches: [
      'Von dir laufen so viele Stapel, wie auf einmal laufen dürfen.',
      'Warte, bis einer fertig ist, oder brich einen ab.',
    ],
    not_possible_now: [
      'So, wie es gerade steht, geht das nicht.',
      'Sieh noch einmal nach; die Einzelheiten sagen, wie es steht.',
    ],
    storage_full: [
      'Der Speicher des Servers ist voll.',
      'Nichts ist verloren. Sobald wieder Platz ist, geht die Arbeit weiter.',
    ],
    storage_refused: [
      'Der Speicher weist den Server ab.',
      'Wer ihn betreibt, sollte dessen Schlüssel und Rechte prüfen.',
    ],
    clock_skew: [
      'Die Uhren des Servers und seines Speichers gehen zu verschieden.',
      'Wer ihn betreibt, sollte sie stellen.',
    ],
    unavailable: [
      'Ein Teil des Servers ist ausgefallen.',
      'Warte einen Augenblick, dann versuche es noch einmal.',
    ],
    internal: [
      'Auf dem Server ging etwas schief.',
      'Versuche es noch einmal. Die Einzelheiten helfen, es zu melden.',
    ],
    unauthorized: ['Du bist abgemeldet.', 'Melde dich wieder an, um weiterzumachen.'],
    forbidden: ['Das darfst du nicht.', 'Frag, wem das Foto oder der Server gehört.'],
    not_permitted: ['Immich lässt dich das nicht tun.', 'Die Einzelheiten sagen, was fehlt.'],
    password_required: [
      'Dieser Link fragt nach einem Passwort.',
      'Wer ihn geteilt hat, kann es dir nennen.',
    ],
    read_only: ['Dieser Link zeigt nur Fotos.', 'Melde dich an, um mehr zu tun als anzusehen.'],
    refused: [
      'Von hier nimmt der Server das nicht an.',
      'Öffne ImmichVR unter seiner eigenen Adresse. Die Einzelheiten sagen, welche Einstellung das ändert.',
    ],
    too_many_requests: [
      'Du hast zu oft gefragt.',
      'Warte einen Augenblick; `Retry-After` sagt, wie lange, und `RateLimit`, wie viel noch geht.',
    ],
    too_many_attempts: [
      'Zu viele Versuche, sich anzumelden.',
      'Warte eine Weile, dann versuche es mit den richtigen Angaben.',
    ],
    no_address: [
      'Immich lässt sich nicht sagen, wo dieser Server ist.',
      'Wer ihn betreibt, sollte die Adresse angeben, unter der Immich ihn erreicht; die Einzelheiten nennen die Einstellung.',
    ],
    external_library: [
      'Die Datei dieses Fotos liegt in einer externen Bibliothek von Immich.',
      'Sag, dass Clips auch damit verbunden werden dürfen.',
    ],
    has_live_video: ['Immich hat zu diesem Foto ein eigenes Video.', 'Es bleibt, wie es ist.'],
    no_clip: ['Von diesem Foto gibt es noch keinen bewegten Clip.', 'Mach ihn zuerst.'],
    too_many_clips: [
      'In Immich bewegen sich schon zu viele deiner Fotos.',
      'Lass zuerst einige wieder stillstehen.',
    ],
    immich_full: [
      'Immich hat keinen Platz mehr für dich.',
      'Lösche dort etwas, oder bitte, wer es betreibt, deine Grenze zu heben.',
    ],
    no_workflows: [
      'Diese Bibliothek kann von neuen Fotos nichts sagen.',
      'Dazu braucht es Immich ab Version 3.0.',
    ],
    too_few_photos: [
      'Ein Foto allein ist noch kein Ort.',
      'Wähle mehr Fotos desselben Ortes, ein Video oder ein Live-Foto; oder mach aus diesem einen 3D.',
    ],
    too_many_photos: ['Das sind zu viele Fotos für einen Ort.', 'Wähle die schärfsten davon.'],
    no_views: [
      'Hiervon sind keine Bilder mit Kameras gespeichert.',
      'Mach einen Ort aus mehreren Fotos oder einem Video; dessen Bilder lassen sich packen.',
    ],
    nothing_to_complete: [
      'Hier ist kein 3D, dessen Lücken zu füllen wären.',
      'Mach es zuerst, dann fülle es.',
    ],
    not_succeeded: [
      'Woraus das gemacht würde, ist nicht da.',
      'Warte, bis es fertig ist; ist es gescheitert, versuche es zuerst noch einmal.',
    ],
    cloud_off: [
      'Es ist kein Dienst außer Haus eingerichtet, der Orte macht.',
      'Wähle einen anderen Weg; dann verlässt nichts das Haus.',
    ],
    cloud_failed: [
      'Der Dienst außer Haus hat diesen Ort nicht gemacht.',
      'Die Einzelheiten sagen, was er meldet. Versuche es noch einmal, oder mach ihn hier.',
    ],
    filling_off: [
      'Das Füllen von Lücken ist auf diesem Server ausgeschaltet.',
      'Bitte, wer ihn betreibt, es einzuschalten.',
    ],
    invalid_method: ['So lässt sich das nicht machen.', OTHER],
    invalid_poses: ['So lassen sich keine Kameras finden.', OTHER],
    bad_request: [
      'Der Server hat diese Anfrage nicht verstanden.',
      'Lade die Seite neu, dann versuche es noch einmal.',
    ],
    not_found: [
      'Das ist nicht mehr hier.',
      'Vielleicht wurde es gelöscht, oder du darfst es nicht sehen.',
    ],
    method_not_allowed: [
      'Der Server kennt diese Anfrage nicht.',
      'Lade die Seite neu, dann versuche es noch einmal.',
    ],
    invalid_request: [
      'Der Server hat diese Anfrage nicht verstanden.',
      'Lade die Seite neu, dann versuche es noch einmal.',
    ],
    invalid_state: ['Einen solchen Stand der Arbeit gibt es nicht.', OTHER],
    invalid_source_kind: ['Eine solche Art von Quelle gibt es nicht.', OTHER],
    invalid_service: ['Kein solcher Dienst lässt dieses Modell laufen.', OTHER],
    invalid_kind: ['Eine solche Art von Arbeit gibt es nicht.', OTHER],
    invalid_cursor: ['Diese Stelle der Liste ist nicht mehr bekannt.', 'Lade die Seite neu.'],
    invalid_model: ['Dieses Modell kennt der Server nicht.', OTHER],
    invalid_format: ['Dieses Format kennt der Server nicht.', OTHER],
    invalid_quality: ['Diese Feinheit kennt der Server nicht.', OTHER],
    invalid_option: ['Diese Möglichkeit hat das Format nicht.', OTHER],
    invalid_output: ['Eine solche Ausgabe hat ein Video nicht.', OTHER],
    invalid_layout: ['So lassen sich Stereobilder nicht anordnen.', OTHER],
    invalid_codec: ['So werden Videos mit Tiefe nicht geschrieben.', OTHER],
    invalid_path: ['So kann die Kamera nicht fahren.', OTHER],
    invalid_level: ['Eine solche Detailstufe gibt es nicht.', OTHER],
    range_not_satisfiable: [
      'Diesen Teil der Datei gibt es nicht.',
      'Lade die ganze Datei noch einmal.',
    ],
    search_unavailable: [
      'So lässt sich die Bibliothek nicht durchsuchen.',
      'Suche stattdessen nach Namen. Die Einzelheiten sagen, was ausgeschaltet ist.',
    ],
    body_too_large: ['Die Anfrage war zu groß.', 'Bitte um weniger auf einmal.'],
    too_slow: [
      'Die Anfrage brauchte zu lange, um anzukommen.',
      'Prüfe deine Verbindung, dann versuche es noch einmal.',
    ],
    unknown_model: ['Dieses Modell kennt der Server nicht.', OTHER],
    licence_required: [
      'Die Lizenz dieses Modells wurde noch nicht angenommen.',
      'Lies sie und nimm sie unter Modelle an, dann versuche es noch einmal.',
    ],
    consent_required: [
      'Die Gewichte dieses Modells sind nicht hier.',
      'Lade sie zuerst unter Modelle herunter, oder wähle ein anderes Modell.',
    ],
    downloading: [
      'Die Gewichte dieses Modells sind unterwegs.',
      'Versuche es, wenn sie da sind; unter Modelle steht, wie weit sie sind.',
    ],
    other_licence: [
      'Die Lizenz hat sich inzwischen geändert.',
      'Lies die neue und entscheide noch einmal.',
    ],
    nothing_to_accept: [
      'Für dieses Modell muss niemand eine Lizenz annehmen.',
      'Es lässt sich verwenden, wie es ist.',
    ],
    built_in: [
      'Dieses Modell ist ein Teil von ImmichVR.',
      'Es gibt nichts herunterzuladen oder zu löschen.',
    ],
    busy: [
      'Mit diesem Modell geschieht gerade etwas anderes.',
      'Warte, bis es vorbei ist, oder brich es ab.',
    ],
    already_there: [
      'Die Gewichte dieses Modells sind schon hier.',
      'Es gibt nichts herunterzuladen.',
    ],
    already_loaded: ['Dieses Modell ist schon im Speicher.', 'Es lässt sich sofort verwenden.'],
    not_downloaded: ['Die Gewichte dieses Modells sind nicht hier.', 'Lade sie zuerst herunter.'],
    not_loaded: ['Dieses Modell ist nicht im Speicher.', 'Es gibt nichts zurückzugeben.'],
    no_network: [
      'Die Gewichte ließen sich nicht holen.',
      'Der Server erreicht die Quelle der Modelle nicht. Prüfe seine Verbindung, oder seine Einstellungen für Spiegel und Betrieb ohne Netz.',
    ],
    no_space: [
      'Für die Gewichte ist kein Platz.',
      'Schaffe auf dem Server welchen, oder lass seine Modelle anderswo liegen.',
    ],
    not_writable: [
      'Der Server darf nicht schreiben, wo seine Modelle liegen.',
      'Wer ihn betreibt, kann diesen Ordner beschreibbar machen.',
    ],
    bad_checksum: [
      'Was geholt wurde, ist nicht, was es sein sollte.',
      'Nichts davon wird verwendet. Versuche es noch einmal; geschieht es jedes Mal, hat sich die Quelle geändert.',
    ],
    invalid_weights: [
      'Die Gewichte passen nicht zum Netz.',
      'Lösche das Modell und lade es noch einmal herunter.',
    ],
    not_installed: [
      'Dieses Modell braucht Software, die auf dem Server nicht installiert ist.',
      'Wähle ein anderes, oder bitte, wer den Server betreibt, sie zu installieren.',
    ],
    no_worker: [
      'Kein Arbeiter war rechtzeitig frei.',
      'Versuche es, wenn der Server weniger zu tun hat.',
    ],
    worker_gone: ['Der Arbeiter dieser Sitzung ist fort.', 'Beginne noch einmal.'],
    too_many_sessions: [
      'Zu viele Live-Sitzungen sind offen.',
      'Schließe eine, oder versuche es später.',
    ],
    output_unavailable: [
      'Das kann dieses Modell nicht zeigen.',
      'Wähle Splats, oder ein anderes Modell.',
    ],
    session_over: [
      'Diese Sitzung hat so lange gedauert, wie eine darf.',
      'Beginne noch einmal, um weiterzumachen.',
    ],
    idle: [
      'Eine Weile kam nichts, deshalb wurde die Sitzung geschlossen.',
      'Beginne noch einmal, um weiterzumachen.',
    ],
    invalid_message: [
      'Der Server hat diese Seite nicht verstanden.',
      'Lade sie neu, dann beginne noch einmal.',
    ],
    too_large: [
      'Was geschickt wurde, ist zu groß.',
      'Wähle eine geringere Feinheit, oder etwas Kleineres.',
    ],
  },
  kinds: {
    depth: 'Tiefe wird erzeugt',
    splat: '3D wird erzeugt',
    live: 'Live',
    convert: 'Wird umgewandelt',
    lod: 'Detailstufen werden erzeugt',
    'video-depth': '3D-Video wird erzeugt',
    stereo: 'Stereo wird erzeugt',
    motion: 'Bewegter Clip wird erzeugt',
    reconstruct: 'Ein Ort wird erzeugt',
    render: 'Wird gezeichnet',
    points: 'Punkte werden erzeugt',
    dataset: 'Ein Datensatz wird gepackt',
    inpaint: 'Lücken werden gefüllt',
    'model-download': 'Wird heruntergeladen',
    'model-load': 'Wird geladen',
    'model-unload': 'Wird aus dem Speicher genommen',
    'model-delete': 'Wird gelöscht',
  },
  assets: {
    depth: 'Tiefe',
    splat: '3D',
    'depth-video': 'Video mit Tiefe',
    motion: 'Bewegter Clip',
    points: 'Punkte',
  },
  uses: {
    ply: 'Zum Bearbeiten, öffnet sich überall',
    'compressed-ply': 'Für PlayCanvas, ohne Packen',
    splat: 'Für ältere Betrachter',
    ksplat: 'Für GaussianSplats3D',
    spz: 'Klein, fürs Netz',
    sog: 'Am kleinsten, für PlayCanvas',
    glb: 'Für 3D-Programme',
  },
  stages: {
    started: 'Fängt an',
    begun: 'Fängt an',
    reading: 'Das Original wird gelesen',
    downloading: 'Das Modell wird heruntergeladen',
    loading: 'Das Modell wird in den Speicher geladen',
    frames: 'Die Bilder werden gesichtet',
    poses: 'Die Standorte der Kamera werden gesucht',
    points: 'Punkte werden gemacht',
    training: 'Die Szene wird gebaut',
    elsewhere: 'Anderswo wird gerechnet',
    views: 'Blicke auf die Lücken werden gesucht',
    painting: 'Lücken werden ausgemalt',
    placing: 'Gemaltes wird eingesetzt',
    optimising: 'Gemaltes wird angeglichen',
    pruning: 'Überflüssiges wird entfernt',
    lifted: 'Das Ergebnis wird gesichert',
    stereo: 'Das Video wird für zwei Augen gemacht',
    rendered: 'Der Clip wird gezeichnet',
    serving: 'Wartet auf den Betrachter',
    live: 'Läuft',
  },
  told: teller(told),
};

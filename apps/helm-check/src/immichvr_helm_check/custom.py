"""Schemas of objects of KEDA, prometheus-operator and the Gateway API: the fields that we use, and no others.

Written from the public definitions (Apache-2.0): kedacore/keda config/crd/bases (keda.sh), prometheus-operator
example/prometheus-operator-crd (monitoring.coreos.com), kubernetes-sigs/gateway-api config/crd/standard
(gateway.networking.k8s.io).
"""

from __future__ import annotations

from typing import Any

_Schema = dict[str, Any]

_TEXT: _Schema = {"type": "string"}
_NAME: _Schema = {"type": "string", "minLength": 1, "maxLength": 253, "pattern": "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"}
_COUNT: _Schema = {"type": "integer", "minimum": 0}
_TEXTS: _Schema = {"type": "object", "additionalProperties": _TEXT}
_TIME: _Schema = {
    "type": "string",
    "pattern": "^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$",
}


def _fields(*required: str, **known: _Schema) -> _Schema:
    return {"type": "object", "properties": known, "required": [*required], "additionalProperties": False}


def _list(of: _Schema, **more: Any) -> _Schema:
    return {"type": "array", "items": of, **more}


def _object(spec: _Schema) -> _Schema:
    metadata = _fields("name", name=_NAME, namespace=_NAME, labels=_TEXTS, annotations=_TEXTS)
    return _fields("apiVersion", "kind", "metadata", "spec", apiVersion=_TEXT, kind=_TEXT, metadata=metadata, spec=spec)


_SCALING = _fields(
    stabilizationWindowSeconds={"type": "integer", "minimum": 0, "maximum": 3600},
    selectPolicy={"enum": ["Max", "Min", "Disabled"]},
    policies=_list(
        _fields(
            "type", "value", "periodSeconds",
            type={"enum": ["Pods", "Percent"]}, value={"type": "integer", "minimum": 1},
            periodSeconds={"type": "integer", "minimum": 1, "maximum": 1800},
        )
    ),
)  # fmt: skip

_TRIGGER = _fields(
    "type", "metadata",
    type={"enum": ["external", "external-push", "nats-jetstream"]}, name=_TEXT, metadata=_TEXTS,
    authenticationRef=_fields("name", name=_NAME, kind={"enum": ["TriggerAuthentication"]}),
    metricType={"enum": ["AverageValue", "Value"]},
    useCachedMetrics={"type": "boolean"},
)  # fmt: skip
_SCALED_OBJECT = _fields(
    "scaleTargetRef", "triggers",
    scaleTargetRef=_fields("name", apiVersion=_TEXT, kind=_TEXT, name=_NAME, envSourceContainerName=_TEXT),
    pollingInterval={"type": "integer", "minimum": 1},
    cooldownPeriod=_COUNT,
    initialCooldownPeriod=_COUNT,
    idleReplicaCount=_COUNT,
    minReplicaCount=_COUNT,
    maxReplicaCount=_COUNT,
    fallback=_fields("failureThreshold", "replicas", failureThreshold=_COUNT, replicas=_COUNT, behavior=_TEXT),
    advanced=_fields(
        restoreToOriginalReplicaCount={"type": "boolean"},
        horizontalPodAutoscalerConfig=_fields(name=_NAME, behavior=_fields(scaleUp=_SCALING, scaleDown=_SCALING)),
        scalingModifiers=_fields(
            "formula", "target",
            formula=_TEXT, target=_TEXT, activationTarget=_TEXT, metricType={"enum": ["AverageValue", "Value"]},
        ),
    ),
    # KEDA takes any number of any kind, and scales by the largest; here one number counts. Two of NATS are the two
    # durables of a pool, of which a formula makes one.
    triggers={
        **_list(_TRIGGER, minItems=1, maxItems=2),
        "if": {"minItems": 2},
        "then": {"items": {"required": ["name"], "properties": {"type": {"const": "nats-jetstream"}}}},
    },
)  # fmt: skip
_SCALED_OBJECT |= {
    "if": {"properties": {"triggers": {"minItems": 2}}},
    "then": {
        "required": ["advanced"],
        "properties": {"advanced": {"required": ["scalingModifiers"]}},
    },
}

_TRIGGER_AUTHENTICATION = _fields(
    secretTargetRef=_list(_fields("key", "name", "parameter", key=_TEXT, name=_NAME, parameter=_TEXT)),
    configMapTargetRef=_list(_fields("key", "name", "parameter", key=_TEXT, name=_NAME, parameter=_TEXT)),
    env=_list(_fields("name", "parameter", name=_TEXT, parameter=_TEXT, containerName=_TEXT)),
)

_RELABEL = _fields(
    sourceLabels=_list(_TEXT), separator=_TEXT, targetLabel=_TEXT, regex=_TEXT, replacement=_TEXT,
    action={"enum": ["replace", "keep", "drop", "hashmod", "labelmap", "labeldrop", "labelkeep"]},
)  # fmt: skip
_SECRET_KEY = _fields("key", key=_TEXT, name=_NAME, optional={"type": "boolean"})
_SELECTOR = _fields(
    matchLabels=_TEXTS,
    matchExpressions=_list(
        _fields(
            "key", "operator",
            key=_TEXT, operator={"enum": ["In", "NotIn", "Exists", "DoesNotExist"]}, values=_list(_TEXT),
        )
    ),
)  # fmt: skip

_MONITOR_ENDPOINT = _fields(
    port=_TEXT, targetPort={"type": ["string", "integer"]}, path=_TEXT, scheme={"enum": ["http", "https"]},
    interval=_TIME, scrapeTimeout=_TIME, honorLabels={"type": "boolean"},
    authorization=_fields(type=_TEXT, credentials=_SECRET_KEY), bearerTokenSecret=_SECRET_KEY,
    relabelings=_list(_RELABEL), metricRelabelings=_list(_RELABEL),
)  # fmt: skip
_SERVICE_MONITOR = _fields(
    "selector", "endpoints",
    selector=_SELECTOR, endpoints=_list(_MONITOR_ENDPOINT),
    namespaceSelector=_fields(any={"type": "boolean"}, matchNames=_list(_TEXT)),
    jobLabel=_TEXT, targetLabels=_list(_TEXT), podTargetLabels=_list(_TEXT), sampleLimit=_COUNT,
)  # fmt: skip
_POD_MONITOR = _fields(
    "selector", "podMetricsEndpoints",
    selector=_SELECTOR, podMetricsEndpoints=_list(_MONITOR_ENDPOINT),
    namespaceSelector=_fields(any={"type": "boolean"}, matchNames=_list(_TEXT)),
    jobLabel=_TEXT, podTargetLabels=_list(_TEXT), sampleLimit=_COUNT,
)  # fmt: skip

_RULE = {
    **_fields(
        "expr",
        expr={"type": ["string", "integer"]}, alert=_TEXT, record=_TEXT, keep_firing_for=_TIME, labels=_TEXTS,
        annotations=_TEXTS, **{"for": _TIME},
    ),
    "oneOf": [{"required": ["alert"]}, {"required": ["record"]}],
}  # fmt: skip
_PROMETHEUS_RULE = _fields(
    groups=_list(
        _fields("name", name={**_TEXT, "minLength": 1}, interval=_TIME, limit=_COUNT, labels=_TEXTS, rules=_list(_RULE))
    )
)

_HEADERS = _list(_fields("name", "value", name=_TEXT, value=_TEXT))
_FILTER = _fields(
    "type",
    type={"enum": ["RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite"]},
    requestHeaderModifier=_fields(set=_HEADERS, add=_HEADERS, remove=_list(_TEXT)),
    responseHeaderModifier=_fields(set=_HEADERS, add=_HEADERS, remove=_list(_TEXT)),
    requestRedirect=_fields(
        scheme={"enum": ["http", "https"]}, hostname=_TEXT, statusCode={"enum": [301, 302, 303, 307, 308]},
        port={"type": "integer"},
    ),
    urlRewrite=_fields(
        hostname=_TEXT,
        path=_fields(
            "type",
            type={"enum": ["ReplaceFullPath", "ReplacePrefixMatch"]}, replaceFullPath=_TEXT, replacePrefixMatch=_TEXT,
        ),
    ),
)  # fmt: skip
_PATH_MATCH = _fields(type={"enum": ["Exact", "PathPrefix", "RegularExpression"]}, value={**_TEXT, "pattern": "^/"})
_BACKEND = _fields(
    "name",
    name=_NAME, namespace=_NAME, group=_TEXT, kind=_TEXT, weight=_COUNT,
    port={"type": "integer", "minimum": 1, "maximum": 65535},
)  # fmt: skip
_GO_TIME = {**_TEXT, "pattern": "^([0-9]{1,5}(h|m|s|ms)){1,4}$"}
_HTTP_ROUTE = _fields(
    parentRefs=_list(
        _fields(
            "name",
            group=_TEXT, kind=_TEXT, name=_NAME, namespace=_NAME, sectionName=_TEXT, port={"type": "integer"},
        )
    ),
    hostnames=_list({**_TEXT, "pattern": r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}),
    rules=_list(
        _fields(
            name=_TEXT,
            matches=_list(_fields(path=_PATH_MATCH, method=_TEXT, headers=_HEADERS)),
            filters=_list(_FILTER),
            backendRefs=_list(_BACKEND),
            timeouts=_fields(request=_GO_TIME, backendRequest=_GO_TIME),
        ),
        minItems=1, maxItems=16,
    ),
)  # fmt: skip

SCHEMAS: dict[tuple[str, str], _Schema] = {
    ("keda.sh/v1alpha1", "ScaledObject"): _object(_SCALED_OBJECT),
    ("keda.sh/v1alpha1", "TriggerAuthentication"): _object(_TRIGGER_AUTHENTICATION),
    ("monitoring.coreos.com/v1", "ServiceMonitor"): _object(_SERVICE_MONITOR),
    ("monitoring.coreos.com/v1", "PodMonitor"): _object(_POD_MONITOR),
    ("monitoring.coreos.com/v1", "PrometheusRule"): _object(_PROMETHEUS_RULE),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): _object(_HTTP_ROUTE),
}
"""By API version and kind, JSON schemas of whole objects."""

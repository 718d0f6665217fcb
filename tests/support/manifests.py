"""One table of good and bad HyperDrives, for all who judge them: the models, the embedded and a real API server.

`error` is what each must say: a rule's own message, or the field where the wording is the judge's own.
"""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from hyperdrive_operator.kube.kinds import Object

from . import prior_manifests
from .builders import choice, expression, job_template, sweep_manifest
from .terminations import BAD_TERMINATIONS, GOOD_TERMINATIONS

MISSING: Any = object()

_ORDER = "min must be below max"
_POSITIVE = "min must be above 0: the bounds of a log form are values, not exponents"
_NO_MULTIPLE = "no multiple of q lies between min and max"
_ONE = "exactly one expression per parameter"
_GRID = "Grid needs parameters with countable values"
_PATTERN = "pattern reads a trial's output"
_SPACE = "spec.searchSpace[0]"


@dataclass(frozen=True)
class Row:
    """A manifest, and what is wrong with it: nothing, or a text that every judge's message contains."""

    id: str
    manifest: Object
    error: str | None = None
    #: Found by the operator alone (in a condition), since no schema can say it.
    only_here: bool = False


def _with(path: str, value: Any) -> Object:
    """Return a good manifest, but for one field of its spec."""
    manifest = deepcopy(sweep_manifest(samplingAlgorithm={"type": "Random"}))
    del manifest["spec"]["trialTemplate"]["spec"]["template"]["spec"]["containers"][0]["args"]  # the names differ
    del manifest["metadata"]["namespace"]
    *parents, last = path.split(".")
    node = manifest["spec"]
    for parent in parents:
        node = node.setdefault(parent, {})
    if value is MISSING:
        node.pop(last, None)
    else:
        node[last] = value
    return manifest


def _space(*parameters: Any, algorithm: str = "Random") -> Object:
    manifest = _with("searchSpace", list(parameters))
    manifest["spec"]["samplingAlgorithm"] = {"type": algorithm}
    return manifest


def _one(kind: str, **fields: Any) -> Object:
    return _space(expression("x", kind, **fields))


def _named(name: str) -> Object:
    manifest = _with("metrics", {"source": "Log"})
    manifest["metadata"]["name"] = name
    return manifest


#: Enough for CmaEs.
_TWO = (expression("x", "uniform", min=0, max=1), expression("y", "randint", upper=10))


def _sampled(algorithm: str, **given: Any) -> Object:
    manifest = _space(*_TWO)
    manifest["spec"]["samplingAlgorithm"] = {"type": algorithm, **given}
    return manifest


def _objectives(*others: Any, algorithm: str = "NsgaII", **options: Any) -> Object:
    manifest = _sampled(algorithm, **options)
    manifest["spec"]["objective"]["additionalObjectives"] = list(others)
    return manifest


_SIZE = {"metric": "size", "goal": "Minimize"}


def _terminated(manifest: Object) -> Object:
    manifest["spec"]["earlyTermination"] = {"type": "MedianStopping"}
    return manifest


_OTHERS = "spec.objective.additionalObjectives"
_NSGA = "spec.samplingAlgorithm.nsgaII"
_CHILD = choice("child", 1, 2)


def _repeated(manifest: Object) -> Object:
    manifest["spec"]["repeats"] = 3
    return manifest


def _conditional(when: Object) -> Object:
    return _space(choice("a", "x", "y"), {**_CHILD, "when": when})


def _constrained(rule: str) -> Object:
    manifest = _space(choice("x", 1, 2, 3, 4))
    manifest["spec"]["constraints"] = [{"rule": rule}]
    return manifest


GOOD = (
    Row("the smallest", _with("samplingAlgorithm", MISSING)),
    Row("choice of strings, numbers and booleans", _one("choice", values=["a", 1, 0.5, True, False])),
    Row("choice of one", _one("choice", values=["a"])),
    Row("choice of lists and objects", _one("choice", values=[[64, 32], {"layers": 2}])),
    Row("choice of 1 and true and '1'", _one("choice", values=[1, True, "1"])),
    Row("randint from zero", _one("randint", upper=10)),
    Row("randint below zero", _one("randint", lower=-10, upper=-5)),
    Row("randint of one value", _one("randint", lower=3, upper=4)),
    Row("uniform", _one("uniform", min=0, max=1)),
    Row("uniform below zero", _one("uniform", min=-2.5, max=-1.5)),
    Row("qUniform", _one("qUniform", min=16, max=256, q=16)),
    Row("qUniform of tenths", _one("qUniform", min=0.3, max=0.9, q=0.1)),
    Row("qUniform of a single multiple", _one("qUniform", min=0.25, max=0.35, q=0.3)),
    Row("qUniform around zero", _one("qUniform", min=-0.1, max=0.1, q=7)),
    Row("qUniform below zero", _one("qUniform", min=-9, max=-7, q=4)),
    Row("logUniform", _one("logUniform", min=0.0001, max=100)),
    Row("qLogUniform", _one("qLogUniform", min=1, max=1000, q=5)),
    Row("normal", _one("normal", mu=0, sigma=1)),
    Row("qNormal", _one("qNormal", mu=-3.5, sigma=0.1, q=0.5)),
    Row("logNormal", _one("logNormal", mu=-2, sigma=0.5)),
    Row("qLogNormal", _one("qLogNormal", mu=3, sigma=1, q=1)),
    Row("grid over countable values", _space(choice("a", 1), expression("b", "randint", upper=3), algorithm="Grid")),
    Row("grid over steps", _space(expression("a", "qUniform", min=0, max=1, q=0.25), algorithm="Grid")),
    Row("a name with dots and dashes", _space(choice("optimizer.weight-decay_2", 1))),
    Row("most trials", _with("limits", {"maxTotalTrials": 10_000, "maxConcurrentTrials": 1_000})),
    Row("a target", _with("objective.target", 0.99)),
    Row("a target of zero", _with("objective.target", 0)),
    Row("a target below zero", _with("objective.target", -1.5)),
    Row("a timeout", _with("limits.timeout", "2h30m")),
    Row("no failed trial allowed", _with("limits.maxFailedTrials", 0)),
    Row("trials without improvement", _with("limits.maxTrialsWithoutImprovement", 10)),
    Row("stopped", _with("state", "Stopped")),
    Row("cancelled", _with("state", "Cancelled")),
    Row("repeats", _with("repeats", 5)),
    Row("which finished jobs are kept", _with("finishedJobs", {"keep": "Best", "deleteAfter": "1h30m"})),
    Row("what becomes of running trials", _with("runningTrials", {"whenPaused": "Suspend", "whenEnded": "Continue"})),
    Row("a trial timeout", _with("limits.trialTimeout", "1h30m")),
    Row("a budget of time", _with("limits.maxTotalTrialTime", "100h")),
    Row("a budget of resources", _with("limits.maxResourceHours", {"cpu": 200, "memory": "1.5Ti", "pods": "0.5"})),
    Row("a trial timeout of half a second", _with("limits.trialTimeout", "0.5s")),
    Row("minimize", _with("objective.goal", "Minimize")),
    Row("a metric with odd characters", _with("objective.primaryMetric", "val/mAP50(B)@0.5")),
    Row("metrics from the annotation", _with("metrics.source", "Annotation")),
    Row("metrics from the last words", _with("metrics.source", "TerminationMessage")),
    Row("the last report as value", _with("metrics.value", "Last")),
    Row("a pattern", _with("metrics.pattern", r"(?P<name>\w+)=(?P<value>\S+)")),
    Row("Katib's form of a pattern", _with("metrics.pattern", r"([\w|-]+)\s*=\s*([+-]?\d*(\.\d+)?([Ee][+-]?\d+)?)")),
    Row("a pattern for the last words", _with("metrics", {"source": "TerminationMessage", "pattern": "(.*)"})),
    Row("the largest seed", _with("samplingAlgorithm", {"type": "Random", "seed": 2**31 - 1})),
    Row("sobol", _sampled("Sobol")),
    Row("sobol with its options", _sampled("Sobol", sobol={"scramble": False})),
    Row("bayesian", _sampled("Bayesian", seed=7)),
    Row("bayesian with no options in particular", _sampled("Bayesian", bayesian={})),
    Row(
        "bayesian with its options",
        _sampled("Bayesian", bayesian={"startupTrials": 5, "multivariate": False, "candidates": 48}),
    ),
    Row("bayesian over one choice", _space(choice("x", 1, 2), algorithm="Bayesian")),
    Row("cma-es", _sampled("CmaEs")),
    Row("cma-es with its options", _sampled("CmaEs", cmaEs={"populationSize": 4, "initialStep": 1})),
    Row("cma-es beside a choice", _space(*_TWO, choice("c", 1, 2), algorithm="CmaEs")),
    Row("nsga-ii over two objectives", _objectives(_SIZE)),
    Row(
        "nsga-ii with its options",
        _objectives(
            _SIZE, nsgaII={"populationSize": 2, "crossoverProbability": 1, "mutationProbability": 0.05}, seed=3
        ),
    ),
    Row(
        "bayesian over four objectives",
        _objectives(*(_SIZE | {"metric": f"m{n}"} for n in "123"), algorithm="Bayesian"),
    ),
    Row("random over two objectives", _objectives(_SIZE, algorithm="Random")),
    Row("sobol over two objectives of one goal", _objectives(_SIZE | {"goal": "Maximize"}, algorithm="Sobol")),
    Row("an empty list of additional objectives", _objectives(algorithm="CmaEs")),
    Row("paused", _with("state", "Paused")),
    Row("running", _with("state", "Running")),
    Row("labels and annotations", _with("trialTemplate.metadata", {"labels": {"a": "$(params.x)"}, "annotations": {}})),
    Row("the longest name", _named("a" * 57)),
    Row("a constraint", _constrained("params.x <= 3")),
    Row("a constraint with a has()", _constrained("!has(params.x) || params.x != 2")),
    Row("weighted choice", _one("choice", values=["a", "b"], probabilities=[1, 0.5])),
    Row("a parameter with a condition", _conditional({"parameter": "a", "values": ["x"]})),
    Row(
        "a condition on a later parameter",
        _space({**_CHILD, "when": {"parameter": "a", "values": [1]}}, choice("a", 1)),
    ),
    Row("grid points", _space({**expression("x", "logUniform", min=1, max=9), "gridPoints": 3}, algorithm="Grid")),
    Row("grid points of a normal", _space({**expression("x", "normal", mu=0, sigma=1), "gridPoints": 3})),
    *(Row(id_, _with("earlyTermination", given)) for id_, given in GOOD_TERMINATIONS),
    Row("early termination and an empty list of objectives", _terminated(_objectives(algorithm="Random"))),
    *(Row(*row) for row in prior_manifests.GOOD),
)
BAD = (
    Row("a name that is too long", _named("a" * 58), "must have at most 57 characters"),
    Row("no objective", _with("objective", MISSING), "spec.objective"),
    Row("no goal", _with("objective.goal", MISSING), "spec.objective.goal"),
    Row("another goal", _with("objective.goal", "maximize"), "spec.objective.goal"),
    Row("no metric", _with("objective.primaryMetric", MISSING), "spec.objective.primaryMetric"),
    Row("an empty metric", _with("objective.primaryMetric", ""), "spec.objective.primaryMetric"),
    Row("a metric with a blank", _with("objective.primaryMetric", "val acc"), "spec.objective.primaryMetric"),
    Row("a metric with an equals sign", _with("objective.primaryMetric", "a=b"), "spec.objective.primaryMetric"),
    Row("a metric that is a number", _with("objective.primaryMetric", 5), "spec.objective.primaryMetric"),
    Row("no search space", _with("searchSpace", MISSING), "spec.searchSpace"),
    Row("an empty search space", _with("searchSpace", []), "spec.searchSpace"),
    Row("too many parameters", _space(*(choice(f"p{n}", 1) for n in range(101))), "spec.searchSpace"),
    Row("a duplicate name", _space(choice("x", 1), choice("x", 2)), "spec.searchSpace"),
    Row("no name", _space({"choice": {"values": [1]}}), f"{_SPACE}.name"),
    Row("a name with a blank", _space(choice("learning rate", 1)), f"{_SPACE}.name"),
    Row("a name with a bracket", _space(choice("x)", 1)), f"{_SPACE}.name"),
    Row("a name that starts with a digit", _space(choice("2x", 1)), f"{_SPACE}.name"),
    Row("a name that ends in a dash", _space(choice("x-", 1)), f"{_SPACE}.name"),
    Row("a name of 64 characters", _space(choice("x" * 64, 1)), f"{_SPACE}.name"),
    Row("no expression", _space({"name": "x"}), _ONE),
    Row("an unknown expression", _space(expression("x", "gaussian", mu=0)), _ONE),
    Row("two expressions", _space(choice("x", 1) | expression("x", "randint", upper=3)), _ONE),
    Row("a parameter that is a text", _space("x"), _SPACE),
    Row("an empty choice", _one("choice", values=[]), f"{_SPACE}.choice.values"),
    Row("a choice without values", _one("choice"), f"{_SPACE}.choice.values"),
    Row("a choice that is no list", _one("choice", values="a"), f"{_SPACE}.choice.values"),
    Row("too many choices", _one("choice", values=list(range(1001))), f"{_SPACE}.choice.values"),
    Row("a choice twice", _one("choice", values=["a", "b", "a"]), f"{_SPACE}.choice.values", only_here=True),
    Row("1 and 1.0 in a choice", _one("choice", values=[1, 1.0]), f"{_SPACE}.choice.values", only_here=True),
    Row("randint without upper", _one("randint", lower=1), f"{_SPACE}.randint.upper"),
    Row("randint with upper as low as lower", _one("randint", lower=3, upper=3), "lower must be below upper"),
    Row("randint with a fraction", _one("randint", lower=0, upper=2.5), f"{_SPACE}.randint.upper"),
    Row("randint with a text", _one("randint", lower=0, upper="10"), f"{_SPACE}.randint.upper"),
    Row("randint beyond 2^53", _one("randint", upper=2**53 + 1), f"{_SPACE}.randint.upper"),
    Row("uniform without max", _one("uniform", min=1), f"{_SPACE}.uniform.max"),
    Row("uniform with a text", _one("uniform", min="0", max=1), f"{_SPACE}.uniform.min"),
    Row("uniform with a boolean", _one("uniform", min=False, max=1), f"{_SPACE}.uniform.min"),
    Row("uniform with min as high as max", _one("uniform", min=1, max=1.0), _ORDER),
    Row("uniform the wrong way round", _one("uniform", min=2, max=1), _ORDER),
    Row("qUniform without q", _one("qUniform", min=0, max=1), f"{_SPACE}.qUniform.q"),
    Row("qUniform with a step of zero", _one("qUniform", min=0, max=1, q=0), f"{_SPACE}.qUniform.q"),
    Row("qUniform with a step below zero", _one("qUniform", min=0, max=1, q=-0.1), f"{_SPACE}.qUniform.q"),
    Row("qUniform the wrong way round", _one("qUniform", min=2, max=-2, q=1), _ORDER),
    Row("qUniform without a multiple", _one("qUniform", min=17, max=31, q=16), _NO_MULTIPLE),
    Row("qUniform without a multiple below zero", _one("qUniform", min=-31, max=-17, q=16), _NO_MULTIPLE),
    Row("qUniform with too many steps", _one("qUniform", min=0, max=1e300, q=1e-300), "too many steps"),
    Row("logUniform from zero", _one("logUniform", min=0, max=1), _POSITIVE),
    Row("logUniform from below zero", _one("logUniform", min=-4, max=-1), _POSITIVE),
    Row("logUniform the wrong way round", _one("logUniform", min=2, max=1), _ORDER),
    Row("qLogUniform from zero", _one("qLogUniform", min=0, max=10, q=1), _POSITIVE),
    Row("qLogUniform without a multiple", _one("qLogUniform", min=1.1, max=1.9, q=1), _NO_MULTIPLE),
    Row("qLogUniform with a step of zero", _one("qLogUniform", min=1, max=2, q=0), f"{_SPACE}.qLogUniform.q"),
    Row("normal without sigma", _one("normal", mu=0), f"{_SPACE}.normal.sigma"),
    Row("normal with a sigma of zero", _one("normal", mu=0, sigma=0), f"{_SPACE}.normal.sigma"),
    Row("qNormal with a step of zero", _one("qNormal", mu=0, sigma=1, q=0), f"{_SPACE}.qNormal.q"),
    Row("logNormal with a sigma below zero", _one("logNormal", mu=0, sigma=-1), f"{_SPACE}.logNormal.sigma"),
    Row("qLogNormal without q", _one("qLogNormal", mu=0, sigma=1), f"{_SPACE}.qLogNormal.q"),
    Row("grid over uniform", _space(expression("x", "uniform", min=0, max=1), algorithm="Grid"), _GRID),
    Row("grid over normal", _space(choice("a", 1), expression("x", "normal", mu=0, sigma=1), algorithm="Grid"), _GRID),
    Row("an unknown algorithm", _with("samplingAlgorithm.type", "Bayes"), "spec.samplingAlgorithm.type"),
    Row("a seed below zero", _with("samplingAlgorithm.seed", -1), "spec.samplingAlgorithm.seed"),
    Row("a seed with a fraction", _with("samplingAlgorithm.seed", 1.5), "spec.samplingAlgorithm.seed"),
    Row("a seed that is too large", _with("samplingAlgorithm.seed", 2**31), "spec.samplingAlgorithm.seed"),
    Row("options of another algorithm", _sampled("CmaEs", bayesian={}), "bayesian stands only with type Bayesian"),
    Row("options of cma-es for sobol", _sampled("Sobol", cmaEs={}), "cmaEs stands only with type CmaEs"),
    Row("options of sobol for random", _sampled("Random", sobol={}), "sobol stands only with type Sobol"),
    Row("options without a type", _with("samplingAlgorithm", {"bayesian": {}}), "bayesian stands only with type"),
    Row(
        "no startup trials",
        _sampled("Bayesian", bayesian={"startupTrials": 0}),
        "spec.samplingAlgorithm.bayesian.startupTrials",
    ),
    Row(
        "too many candidates",
        _sampled("Bayesian", bayesian={"candidates": 1001}),
        "spec.samplingAlgorithm.bayesian.candidates",
    ),
    Row(
        "multivariate as a text",
        _sampled("Bayesian", bayesian={"multivariate": "true"}),
        "spec.samplingAlgorithm.bayesian.multivariate",
    ),
    Row(
        "a population of three",
        _sampled("CmaEs", cmaEs={"populationSize": 3}),
        "spec.samplingAlgorithm.cmaEs.populationSize",
    ),
    Row(
        "an initial step of zero",
        _sampled("CmaEs", cmaEs={"initialStep": 0}),
        "spec.samplingAlgorithm.cmaEs.initialStep",
    ),
    Row(
        "an initial step beyond the range",
        _sampled("CmaEs", cmaEs={"initialStep": 1.5}),
        "spec.samplingAlgorithm.cmaEs.initialStep",
    ),
    Row("scramble as a number", _sampled("Sobol", sobol={"scramble": 1}), "spec.samplingAlgorithm.sobol.scramble"),
    Row("cma-es over one number", _space(_TWO[0], choice("c", 1, 2), algorithm="CmaEs"), "CmaEs needs at least two"),
    Row(
        "cma-es over a conditional number",
        _space(_TWO[0], choice("c", 1, 2), {**_TWO[1], "when": {"parameter": "c", "values": [1]}}, algorithm="CmaEs"),
        "CmaEs needs at least two",
    ),
    Row("nsga-ii over one objective", _sampled("NsgaII"), "add objective.additionalObjectives"),
    Row("nsga-ii over an empty list of objectives", _objectives(), "add objective.additionalObjectives"),
    Row("cma-es over two objectives", _objectives(_SIZE, algorithm="CmaEs"), "use NsgaII or Bayesian"),
    Row(
        "options of nsga-ii for bayesian", _objectives(_SIZE, algorithm="Bayesian", nsgaII={}), "only with type NsgaII"
    ),
    Row("a population of one", _objectives(_SIZE, nsgaII={"populationSize": 1}), f"{_NSGA}.populationSize"),
    Row("a mutation above 1", _objectives(_SIZE, nsgaII={"mutationProbability": 1.1}), f"{_NSGA}.mutationProbability"),
    Row(
        "a crossover below 0", _objectives(_SIZE, nsgaII={"crossoverProbability": -1}), f"{_NSGA}.crossoverProbability"
    ),
    Row("five objectives", _objectives(*(_SIZE | {"metric": f"m{n}"} for n in "1234")), _OTHERS),
    Row("an objective twice", _objectives(_SIZE, _SIZE | {"goal": "Maximize"}), _OTHERS),
    Row(
        "the primary metric once more", _objectives(_SIZE | {"metric": "accuracy"}), "must not repeat the primaryMetric"
    ),
    Row("an objective without a goal", _objectives({"metric": "size"}), f"{_OTHERS}[0].goal"),
    Row("an objective without a metric", _objectives({"goal": "Minimize"}), f"{_OTHERS}[0].metric"),
    Row("an objective with another goal", _objectives(_SIZE | {"goal": "Min"}), f"{_OTHERS}[0].goal"),
    Row("an objective with a blank", _objectives(_SIZE | {"metric": "a b"}), f"{_OTHERS}[0].metric"),
    Row("an objective that is a text", _objectives("size"), f"{_OTHERS}[0]"),
    Row("no limits", _with("limits", MISSING), "spec.limits"),
    Row("no maxTotalTrials", _with("limits", {}), "spec.limits.maxTotalTrials"),
    Row("no trials", _with("limits.maxTotalTrials", 0), "spec.limits.maxTotalTrials"),
    Row("too many trials", _with("limits.maxTotalTrials", 10_001), "spec.limits.maxTotalTrials"),
    Row("trials as a text", _with("limits.maxTotalTrials", "10"), "spec.limits.maxTotalTrials"),
    Row("none at once", _with("limits.maxConcurrentTrials", 0), "spec.limits.maxConcurrentTrials"),
    Row("too many at once", _with("limits.maxConcurrentTrials", 1_001), "spec.limits.maxConcurrentTrials"),
    Row("a target that is no number", _with("objective.target", "high"), "spec.objective.target"),
    Row("a timeout of nothing", _with("limits.timeout", "0h"), "must be a duration above zero"),
    Row("a timeout in words", _with("limits.timeout", "two hours"), "must be a duration above zero"),
    Row("failed trials below zero", _with("limits.maxFailedTrials", -1), "spec.limits.maxFailedTrials"),
    Row("no trial without improvement", _with("limits.maxTrialsWithoutImprovement", 0), "maxTrialsWithoutImprovement"),
    Row("a state of our own", _with("state", "Sleeping"), "spec.state"),
    Row("no repeat at all", _with("repeats", 0), "spec.repeats"),
    Row(
        "repeats that are judged",
        _repeated(_terminated(_with("metrics.source", "Log"))),
        "remove repeats or earlyTermination",
    ),
    Row("repeats with one annotation", _repeated(_with("metrics.source", "Annotation")), "share a Job"),
    Row("finished jobs of another kind kept", _with("finishedJobs", {"keep": "Worst"}), "spec.finishedJobs.keep"),
    Row(
        "finished jobs deleted at no time",
        _with("finishedJobs", {"keep": "None", "deleteAfter": "soon"}),
        "spec.finishedJobs.deleteAfter",
    ),
    Row("an unknown way to end", _with("runningTrials", {"whenEnded": "Kill"}), "spec.runningTrials.whenEnded"),
    Row("a budget of no time", _with("limits.maxTotalTrialTime", "0h"), "must be a duration above zero"),
    Row("a budget of no resource", _with("limits.maxResourceHours", {"cpu": 0}), "spec.limits.maxResourceHours.cpu"),
    Row("a budget of nothing", _with("limits.maxResourceHours", {"cpu": "0.0"}), "spec.limits.maxResourceHours.cpu"),
    Row("a budget in words", _with("limits.maxResourceHours", {"cpu": "many"}), "spec.limits.maxResourceHours.cpu"),
    Row("a budget below zero", _with("limits.maxResourceHours", {"cpu": -1}), "spec.limits.maxResourceHours.cpu"),
    Row("a trial timeout of nothing", _with("limits.trialTimeout", "0s"), "must be a duration above zero"),
    Row("a trial timeout without a unit", _with("limits.trialTimeout", "90"), "must be a duration above zero"),
    Row("a trial timeout as a number", _with("limits.trialTimeout", 90), "spec.limits.trialTimeout"),
    Row("a trial timeout below zero", _with("limits.trialTimeout", "-5m"), "must be a duration above zero"),
    Row("an unknown state", _with("state", "paused"), "spec.state"),
    Row("a state that is a boolean", _with("state", True), "spec.state"),
    Row("an unknown choice of value", _with("metrics.value", "Mean"), "spec.metrics.value"),
    Row("an empty pattern", _with("metrics.pattern", ""), "spec.metrics.pattern"),
    Row("a long pattern", _with("metrics.pattern", "(" + "x" * 1024 + ")"), "spec.metrics.pattern"),
    Row("a pattern with nothing to read", _with("metrics", {"source": "Annotation", "pattern": "(.*)"}), _PATTERN),
    Row("no regular expression", _with("metrics.pattern", "(?P<value>["), "spec.metrics.pattern", only_here=True),
    Row("a look-behind", _with("metrics.pattern", "(?<=a)(?P<value>b)"), "RE2's syntax", only_here=True),
    Row("no group", _with("metrics.pattern", "accuracy=.*"), "needs a group (?P<value>...)", only_here=True),
    Row("other groups", _with("metrics.pattern", "(?P<name>.*)(.*)"), "needs a group (?P<value>...)", only_here=True),
    Row("an unknown metrics source", _with("metrics.source", "Prometheus"), "spec.metrics.source"),
    Row("no trial template", _with("trialTemplate", MISSING), "spec.trialTemplate"),
    Row("a template without a spec", _with("trialTemplate", {}), "spec.trialTemplate.spec"),
    Row("a template whose spec is a list", _with("trialTemplate.spec", []), "spec.trialTemplate.spec"),
    Row("a label that is a number", _with("trialTemplate.metadata", {"labels": {"a": 5}}), "metadata.labels"),
    Row(
        "a placeholder without a parameter",
        _with("trialTemplate", job_template(backoffLimit="$(params.y)")),
        "spec.trialTemplate.spec.backoffLimit",
        only_here=True,
    ),
    Row("an empty constraint", _constrained(""), "spec.constraints[0].rule"),
    Row("a constraint that is a text", _with("constraints", "params.x <= 3"), "spec.constraints"),
    Row("a constraint without a rule", _with("constraints", [{}]), "spec.constraints[0].rule"),
    Row("too many constraints", _with("constraints", [{"rule": "true"}] * 17), "spec.constraints"),
    Row("a constraint that is too long", _constrained("true || " * 128 + "true"), "spec.constraints[0].rule"),
    Row("all probabilities zero", _one("choice", values=["a", "b"], probabilities=[0, 0]), "must be above 0"),
    Row(
        "a negative probability", _one("choice", values=["a"], probabilities=[-1]), f"{_SPACE}.choice.probabilities[0]"
    ),
    Row("too few probabilities", _one("choice", values=[1, 2], probabilities=[1]), "as many as values", only_here=True),
    Row(
        "a condition on no parameter", _conditional({"parameter": "b", "values": ["x"]}), "must name another parameter"
    ),
    Row("a condition on itself", _conditional({"parameter": "child", "values": ["x"]}), "must name another parameter"),
    Row(
        "a condition on no choice",
        _space(expression("a", "uniform", min=0, max=1), {**_CHILD, "when": {"parameter": "a", "values": [1]}}),
        "one with a choice",
    ),
    Row("a condition without values", _conditional({"parameter": "a", "values": []}), "searchSpace[1].when.values"),
    Row(
        "a condition on a value that is none",
        _conditional({"parameter": "a", "values": ["z"]}),
        "no value of 'a'",
        only_here=True,
    ),
    Row("grid points of a choice", _space({**choice("x", 1, 2), "gridPoints": 3}), "with a continuous expression only"),
    Row(
        "one grid point", _space({**expression("x", "uniform", min=0, max=1), "gridPoints": 1}), f"{_SPACE}.gridPoints"
    ),
    Row(
        "grid points of steps",
        _space({**expression("x", "qNormal", mu=0, sigma=1, q=1), "gridPoints": 3}),
        "with a continuous expression only",
    ),
    *(Row(id_, _with("earlyTermination", given), error) for id_, given, error in BAD_TERMINATIONS),
    Row(
        "early termination by last words",
        _terminated(_with("metrics.source", "TerminationMessage")),
        "earlyTermination needs metrics while a trial runs",
    ),
    Row(
        "early termination by several objectives",
        _terminated(_objectives({"metric": "size", "goal": "Minimize"})),
        "earlyTermination judges by one metric",
    ),
    *(Row(*row) for row in prior_manifests.BAD),
)
ROWS = GOOD + BAD

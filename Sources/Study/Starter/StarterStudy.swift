import Training

extension StarterFiles {
  /// A study of the starter schema, of a few minutes.
  package static let study = """
    # Many runs and one report: which graph, which models, what is measured.
    #
    #   kglab study plan study.yaml     what will be done, and its time, memory and disk
    #   kglab study run study.yaml      does what is missing, then writes runs/first/report.html
    #
    # A line that begins with # and no space is a setting that is switched off: take the # away to use it.
    # docs/studies.md says more; experiments/ has studies with their results.
    name: first
    question: >-
      How does the hallucination rate change with the model's size and with how often each fact is seen?

    # Generated from a schema (a file beside this one, or a name from kg-schemas/), or imported:
    #   graph: {import: facts.tsv, columns: hrt, seed: 7, hold_out: {query: 0.1, subject: 0, object: 0.1}}
    # Several, each with a name, make one study with one report:
    #   graphs: [{name: small, schema: schema.yaml}, {name: large, schema: schema.yaml, scale: 4}]
    graph:
      schema: schema.yaml
      seed: 7
      #scale: 2
      #set:
        #entity_types.person.count: 450

    # word (pieces of names), byte, or {kind: bpe, vocabulary_size: 1024}.
    tokenizer: word

    # What all models share, at its usual values.
    #model:
    \(options(.model))
    #training:
    \(options(.training))

    # Each grid gives every combination of its lists; a model listed twice is trained once.
    #   sizes           non-embedding parameters
    #   epochs          or steps, tokens, flops: how long
    #   seeds           of initial weights and order (0)
    #   fractions       nested parts of the graph (1)
    #   learning_rates  instead of the rule in shape and steps; precisions: fp32, bf16, auto
    #   graphs          names of graphs (all)
    # A model may start from that of an entry before it, and learn from a file of triples alone:
    #   - {name: base, sizes: [3k], epochs: [20]}
    #   - {sizes: [3k], epochs: [5], from: base, only: facts.tsv}
    # or from what the models of other entries answer to the graph's questions (docs/derived-runs.md),
    #   - {sizes: [3k], epochs: [20], text_of: base, text: {real: 0.9, synthetic: 0.1}}
    # or, with right, from those that the graph or detectors (reward) say are right,
    #   - {sizes: [3k], epochs: [2], from: base, text_of: base, text: {samples: 32, right: 10, reward: {ensemble: three, combine: min}}}
    # or be made of each model of an entry, without training: fewer bits, small weights to 0.
    #   - {name: small, from: base, compress: [{bits: 8}, {prune: 0.5}]}
    # or be trained on attacks on themselves, with the settings of hardening below.
    #   - {name: hard, from: base, harden: {attack: gcg, rounds: 5}}
    models:
      - sizes: [3k, 10k, 30k]
        epochs: [20, 60]
        #seeds: [0, 1, 2]
        #fractions: [0.1, 1]
        #learning_rates: [0.001, 0.003, 0.01]
        #precisions: [fp32]
      # Attacks need models with a slot, traps models that are taught the rules; no model has both.
      #- {sizes: [3k, 10k, 30k], epochs: [60], seeds: [0, 1, 2], training: {slot_share: 0.3}}
      #- {sizes: [3k, 10k, 30k], epochs: [60], seeds: [0, 1, 2], training: {rule_share: 0.1}}

    # Rates are exact at temperature 1; samples are completions of each query at each temperature.
    # top_k and top_p cut the distribution of both; candidates ranks true answers among so many wrong ones.
    evaluation:
      samples: 4
      temperatures: [0, 1]
      #exact_temperatures: [0.5, 1]
      #resamples: 1000
      #seed: 0
      #top_k: 50
      #top_p: 0.95
      #candidates: 9
      #phrasing: seen
      #precision: fp32

    # What the models know, in bits, and when they learned it (of the checkpoints that keep asks for).
    #knowledge:
      #bins: 10
      #sizes: [10k, 30k]
    #lifeline:
      #epochs: [60]
    # The loss of true, false and other lines at those checkpoints; contrast draws lines from a small model less a large one.
    #trajectories:
      #sizes: [3k, 10k]
      #epochs: [60]
      #lines: 1000
      #contrast: [3k, 30k]
      #from: 0.1
      #seed: 0
      #resamples: 1000
    #keep: {steps: "log,100"}
    # Every so many steps: attention and output logits, alignment and gradients, for figures of stability.
    #probe_steps: 25

    # Detectors of hallucinations, for the selected models (all without epochs and sizes). Judges are models of
    # the study, trained alike (all: every one of them): how likely they find the answers is a score.
    detection:
      epochs: [60]
      heads: [linear, mlp-16, mlp-64]
      samples: 2
      #sizes: [30k]
      #tasks: [sentence, token]
      #kinds: [head, saplma, lookback, full, score]
      #kernels: [ntk-relu-1]
      #bayes: [bayes-64]
      #layers: [final]
      #places: [last]
      #positions: [each]
      #full: [10k]
      #full_epochs: 10
      #full_rate: 0.0001
      #full_state_alone: false
      #balanced: false
      #evidence: 8
      #queries: [fvs, pvs]
      #judges: [10k]
      #precision: fp32
      #resamples: 1000
      #seed: 0

    # Detectors that learned from the answers of the models of the sizes in from, or of the first model that another was
    # made of (origin), tested on the selected models.
    #transfer:
      #from: [10k]
      #epochs: [60]
      #sizes: [10k, 30k]
      #tasks: [sentence]
      #kinds: [head, lookback]
      #full: [10k]
      #heads: [linear]
      #kernels: [ntk-relu-1]
      #samples: 2
      #resamples: 1000
      #seed: 0

    # Models that leave what they are unsure of to a larger one: rate against compute.
    #cascade:
      #defer_to: [30k]
      #sizes: [3k, 10k]
      #committee: [0, 1, 2]
      #heads: [linear]
      #head_samples: 2

    # What models that learned from right answers gained, also beyond the first model at a lower temperature.
    #self_training:
      #sizes: [3k]
      #epochs: [60]
      #samples: 4
      #seed: 0
      #resamples: 1000

    # Right answers where detectors with some flipped labels stand in for the graph: best of n, and what learned from them.
    #rewards:
      #sizes: [3k]
      #epochs: [60]
      #samples: 256
      #queries: 500
      #detector_samples: 2
      #hidden: 64
      #flips: 0.25
      #penalty: 0.5
      #seed: 0
      #resamples: 1000

    # What models that learned from answers still say: the first model's loss of their answers, and objects by how rare they are.
    #collapse:
      #sizes: [3k]
      #epochs: [60]
      #samples: 4
      #seed: 0
      #resamples: 1000

    # Texts that make a model wrong, in the slot of models trained with slot_share: how often they succeed by compute.
    #attack:
      #kinds: [random, gcg, beast]
      #victims: [model]
      #sizes: [3k, 10k]
      #epochs: [60]
      #position: suffix
      #length: 10
      #examples: 200
      #iterations: 10
      #random_iterations: 256
      #candidates: 128
      #top_k: 256
      #beam_width: 5
      #beast_width: 15
      #proposals: 3k
      #targeted: false
      #keep_best: false
      #seed: 0
    # Adversarial training on such texts, in rounds, each of which is attacked as tests say.
    #hardening:
      #victims: [model]
      #sizes: [3k, 10k]
      #epochs: [60]
      #attack: gcg
      #rounds: 5
      #attacked: 200
      #iterations: 8
      #last_iterations: 64
      #position: suffix
      #length: 10
      #candidates: 128
      #top_k: 256
      #beam_width: 5
      #keep_best: false
      #size: 1000
      #share: 0.8
      #batch_size: 32
      #learning_rate: 0.001
      #balanced: false
      #examples: 200
      #seed: 0
      #tests: [{kinds: [gcg], iterations: 64}, {kinds: [gcg], iterations: 64, position: infix}]
    # Texts that were asked for: how often they give a chosen wrong answer, by its distance; copies of a false line.
    #pirs:
      #texts: [prior, inversion]
      #distances: [near, type, other]
      #sizes: [3k, 10k]
      #epochs: [60]
      #position: suffix
      #length: 10
      #examples: 50
      #draws: 64
      #lines: 4000
      #line_epochs: 4
      #copies: 16
      #seed: 0
    # Which tokens of an answer's line decide what full detectors say of it; they are named as detection trains them.
    #saliency:
      #detectors: [full-10k]
      #hardened: false
      #sizes: [3k, 10k]
      #epochs: [60]
      #answers: 200
      #replacements: 16
      #seed: 0
      #resamples: 1000
    # Detectors trained together so that attacks on one don't turn the others, of models trained with slot_share.
    #disjoint:
      #size: 3k
      #sizes: [3k, 10k]
      #epochs: [60]
      #detectors: 3
      #weight: [0.1, 1]
      #epsilon: 2
      #sign_epsilon: 0.03
      #samples: 4
      #full_epochs: 5
      #examples: 100
      #iterations: 10
      #candidates: 64
      #seed: 0
      #resamples: 1000
    # Whose fact a wrong answer is: ranks of wrong objects by the tangent kernel, by frequency and by names.
    #interference:
      #sizes: [3k, 10k]
      #epochs: [60]
      #answers: 200
      #candidates: 20
      #facts: 4
      #seed: 0
      #resamples: 1000
    # Questions on which larger models were found to do worse; training needs a rule_share above 0.
    #traps:
      #tasks: [neqa, redefine]
      #questions: 200
      #shots: [0, 1]
      #reasoned: true
      #sizes: [3k, 10k]
      #epochs: [60]
      #seed: 0
      #resamples: 1000
      #precision: fp32

    # Threads in all, and tasks at once.
    workers: 2
    #side_by_side: 2
    # Whether a training that diverges is a result and no failure.
    #expect_divergence: false

    """

  /// A line for each option of a section: its usual value, what it is, and its choices.
  ///
  /// One that a rule decides is in a comment, as one of two that exclude each other must be.
  private static func options(_ section: TrainingOption.Section) -> String {
    TrainingOption.all.filter { $0.section == section }.map { option in
      let value = option.text(.usual)
      let setting = "\(value == nil ? "# " : "#")\(option.name): \(value ?? "")"
      let padding = String(repeating: " ", count: max(0, 34 - setting.count))
      var line = "  \(setting)\(padding) # \(option.help)"
      if case .choice(let names) = option.values {
        line += " (\(names.joined(separator: ", ")))"
      }
      return line
    }.joined(separator: "\n")
  }
}

extension StarterFiles {
  /// A schema of about 3,000 triples that small models learn in seconds.
  package static let schema = """
    # What a graph is to look like: its entities, its facts, and what is kept from training.
    #
    #   kglab generate schema.yaml --seed 7 --out graph.sqlite
    #   kglab inspect graph.sqlite
    #
    # The same schema and seed give the same graph. Any number can be set on the command line, such as
    #   --set entity_types.person.count=2000 --set "predicates.born in.popularity.zipf=1.2" --scale 10
    #
    # A line that begins with # and no space is a setting that is switched off: take the # away to use it.
    # docs/graphs.md says more; kg-schemas/ has schemas made for particular questions.
    name: first
    description: A small world of people, companies and places

    # ---------------------------------------------------------------------------------------------------
    # Classes of things. Each has a count and a way to make names.
    #   count      how many; literals (years, dates, codes) have all values of their range without it
    #   name       how names are made, see below
    #   parent     the type that this one is a kind of; what a predicate says of the parent goes for its kinds
    #   ambiguous  share of the entities whose name another one has too
    #   scale      whether --scale multiplies the count (by default: subjects that are no literals)
    entity_types:
      # A type with kinds and no entities of its own needs no more than its name.
      agent: {}
      person:
        parent: agent
        count: 400
        # Invented words: names of 2, 2, 3, 2, 2, 3 ... words, drawn from pools of 50, 50 and 20 for the
        # first, second and third. A single number is a pool for all positions; syllables are per word.
        name: {model: multi_part, parts: [2, 2, 3], pool: [50, 50, 20], syllables: 2}
        #ambiguous: 0.02
      company:
        parent: agent
        count: 40
        name: {model: multi_part, parts: 2, pool: 20}
        #scale: true
      place:
        count: 40
        name: {model: multi_part, pool: 40}
      # A prefix and a number, counted from start: award-01, award-02 ...
      award:
        count: 20
        name: {model: opaque, prefix: award-, digits: 2, start: 1}
      # Whole years; the model integer has the same keys and takes any whole numbers.
      year:
        name: {model: year, from: 1950, to: 1999}
      # Days, a random choice of them; with days: 28 only the first 28 of each month.
      birthday:
        count: 300
        name: {model: date, from: 1950-01-01, to: 1999-12-31}
      # Numbers with a unit: 150.0 cm, 150.5 cm ... 199.5 cm.
      height:
        name: {model: quantity, from: 150, to: 199.5, step: 0.5, decimals: 1, unit: cm}
      # A is any letter, 9 any digit, anything else stands for itself.
      phone:
        count: 300
        name: {model: code, pattern: 99-9999}

    # ---------------------------------------------------------------------------------------------------
    # What is said about them. A predicate is drawn by chance, or follows from others.
    predicates:
      # The shortest: each person has one place, all places equally likely.
      #   objects   how many different objects a subject gets (1): a number, {min: 1, max: 3},
      #             {poisson: 1.5} (0 leaves the subject without), {zipf: 2, max: 8} (P(n) ~ n^-2), or
      #             {weights: [0, 5, 3, 1]} for 0, 1, 2, 3 objects
      #   coverage  share of the subjects that have the predicate at all (1)
      lives in:
        subject: person
        object: place
        objects: {weights: [0, 8, 2]}
        coverage: 0.9
        # An object that depends on another predicate's object of the same subject: with probability
        # strength it is one of the spread objects that go with that one.
        #given: {predicate: works in, strength: 0.8, spread: 1}

      # Some objects are more frequent than others.
      #   popularity  uniform, {zipf: 1.5} (the k-th has weight k^-1.5), or {weights: [...]}, one a thing
      born in:
        subject: person
        object: place
        popularity: {zipf: 1.5}
        # Phrasings for natural language; {object} comes last.
        #templates: ["{subject} was born in {object}", "The birthplace of {subject} is {object}"]

      # At most one object a subject, and checked by kglab inspect.
      born on:
        subject: person
        object: birthday
        functional: true

      # Each object has one subject too.
      phone:
        subject: agent
        object: phone
        coverage: 0.2
        functional: true
        inverse_functional: true

      # Heavy-tailed objects a subject. Presentations and hold-out of a predicate's own, in place of the
      # graph's below.
      received:
        subject: person
        object: award
        objects: {zipf: 1.5, max: 4}
        coverage: 0.4
        #exposures: {min: 1, max: 3}
        #held_out: {query: 0.2, object: 0.5}

      joined in:
        subject: person
        object: year
        objects: {min: 1, max: 2}
        coverage: 0.5

      height:
        subject: person
        object: height
        functional: true
        #noise: {stale: 0.05}

      # Holds in both directions; the second is entailed by the first.
      married to:
        subject: person
        object: person
        coverage: 0.4
        functional: true
        symmetric: true

      # No chain of parents leads back to where it began.
      parent:
        subject: person
        object: person
        objects: {min: 1, max: 2}
        coverage: 0.5
        acyclic: true

      # Chains are closed: what is inside a part is inside the whole.
      inside:
        subject: place
        object: place
        coverage: 0.8
        acyclic: true
        transitive: true

      works for:
        subject: person
        object: company
        functional: true
        popularity: {zipf: 1}

      seat:
        subject: company
        object: place
        functional: true

      # What follows from others has no objects, coverage or popularity of its own, and its types are known.
      # What is held out of it while its premises are trained on can be inferred, the rest cannot be known.
      child:
        inverse_of: parent
        held_out: {query: 0.5}
      # A chain of two to four predicates; ^parent goes from object to subject.
      grandparent:
        rule: parent / parent
        held_out: {query: 0.5}
      works in:
        rule: works for / seat
        held_out: {query: 0.5}

    # ---------------------------------------------------------------------------------------------------
    # How often a triple is presented in an epoch: a number (1), {min: 1, max: 5}, {zipf: 2, max: 50}, or
    # {pareto: 1, max: 64} with P(K >= k) = k^-1: half of the triples are then met once.
    #exposures: {pareto: 1, max: 64}

    # False and repeated statements in the training text, with their flag in the file.
    #   contradictory, stale  share of the queries that get one more, false statement
    #   duplicate             share of the triples that are presented twice as often
    #noise: {contradictory: 0.02, stale: 0.01, duplicate: 0.05}

    # What training does not see.
    #   subject  share of the subjects nothing is said about
    #   query    share of all queries (subject, predicate, ?) that are kept whole
    #   object   share of the queries with several answers of which some are kept
    visibility:
      held_out: {subject: 0.03, query: 0.1, object: 0.3}

    """
}

# phonoscope: see the phones inside old and new speech recognisers.   make help
#
# Real files are the targets. Each stage records its settings in TARGET.made, with what it wrote and what it read that
# is the user's; `changed` compares them with what is asked for now and what is there now, so that a changed setting, or
# a file that is gone or damaged, runs that stage and what follows again, and nothing else. A stage writes its target
# last, under a temporary name that is renamed, so a killed run goes on where it was.

include stages/settings.mk

PY := $(VENV)/bin/python
# With -n nothing is written.
look := $(if $(findstring n,$(firstword -$(MAKEFLAGS))),--look)
MAKEFLAGS += --no-builtin-rules --warn-undefined-variables -j$(NJ)
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.SECONDEXPANSION:
.DEFAULT_GOAL := all
# The cores that all stages share, whatever the corpus.
export PHONOSCOPE_CORES := $(VENV)/.cores
# Stages of one run may write beside each other; another run's have to wait.
export PHONOSCOPE_RUN := $(shell echo $$PPID.$$(date +%s))
# The cluster that computes what can be computed elsewhere. No option of a stage: it changes no number.
export PHONOSCOPE_CLUSTER := $(if $(filter dask,$(JOBS)),$(ADDRESS))
.PHONY: all setup data lexicon mfcc mono $(trained) decode compare errors matrix combine rescore sweep ablation rates \
  report pron_probs lattice tree spread lattice_difference lattice_text models encode bench layers replay show export \
  kaldi_dir check transcribe listen align record test clean help FORCE

##@ Everything
## all: all stages on CORPUS, then the comparison
all: $(EXP)/report/index.html $(EXP)/compare.tsv
	$(call print,$(table); echo 'report: $(EXP)/report/index.html')

# What a target was asked for is printed, whether it was made just now or is there: shell commands $(1). With -n they
# are none of the stages that would run.
print = $(if $(look),,@$(1))
beginning = [ ! -e $(1) ] || awk -v RS= -v ORS='\n\n' 'NR <= $(2)' $(1)
whole = [ ! -e $(1) ] || cat $(1)
table = echo; $(call beginning,$(EXP)/compare.txt,3); \
  echo 'each pair of systems, and how well phones are placed: $(EXP)/compare.txt'
# Of what the report shows, made as $(1), whether the report has it.
in_report = if [ -e $(EXP)/report/index.html ] && [ $(1) -nt $(EXP)/report/index.html ]; then \
  echo 'the report does not have it yet; run: make report'; fi

explained = $(patsubst %,$(EXP)/%/decode_test/errors.json,$(SYSTEMS))

##@ Stages
## data: fetch the corpus; data/CORPUS/{train,dev,test}
data:    $(DATA)/splits.json
## lexicon: pronunciations and language models
lexicon: $(DATA)/lang/lang.json
## mfcc: raw features, of which each system makes what it wants
mfcc:    $(patsubst %,$(DATA)/%/feats.scp,train dev test)
## mono: the gmm, by Kaldi's name: phones without context
mono:    gmm
## decode: all SYSTEMS, trained, tuned, decoded and scored
decode:  $(patsubst %,$(EXP)/%/decode_test/wer.txt,$(SYSTEMS))
## compare: the table: old against new
compare: $(EXP)/compare.tsv
	$(call print,$(table); $(call in_report,$<))
## errors: where each wrong word and phone comes from: search, lexicon, sound or language
errors:  $(explained)
	$(call print,echo; $(foreach f,$(explained:.json=.txt),$(call beginning,$(f),2); echo 'each of them: $(f)'; echo; ) \
	  $(call in_report,$(lastword $(explained))))
## matrix: what phone bigram, lexicon and language model bring to each of SYSTEMS
matrix:  $(EXP)/matrix.tsv
	$(call print,echo; $(call whole,$(EXP)/matrix.txt); echo; $(call in_report,$(EXP)/matrix.txt))
## combine: the table with two rows more: the systems COMBINE as one, over their lattices, and by vote (ROVER)
combine: $(EXP)/compare.tsv
	$(call print,$(table); $(call in_report,$<))
## rescore: the table with a row more: MODEL's lattices or n-best lists scored with a neural language model as well
rescore: $(EXP)/compare.tsv
	$(call print,$(table); $(call in_report,$<))
## sweep: errors and speed on dev for each knob of MODEL's word search, one at a time
sweep:   $(if $(filter sweep,$(MAKECMDGOALS)),$$(call inside,$$(MODEL),sweep.tsv))
## ablation: what each step of training the network MODEL brings on dev: trained again with one setting changed
ablation: $(if $(filter ablation,$(MAKECMDGOALS)),$$(call inside,$$(call model_name,$$(MODEL)),ablation.tsv))
## rates: how high a learning rate the network MODEL bears: loss on train while the rate rises
rates:   $(if $(filter rates,$(MAKECMDGOALS)),$$(call inside,$$(call model_name,$$(MODEL)),rates.tsv))
## report: pages with pictures and sound; also of utterance UTT, or UTT=all
report:  $(EXP)/report/index.html
	$(if $(also),,$(call print,echo 'report: $(EXP)/report/index.html'))
## pron_probs: do counted pronunciation and pause probabilities help on dev?
pron_probs: $(EXP)/pron_probs/dev.txt

# Targets of which something is gone or not as the stage left it.
damaged := $(if $(and $(wildcard $(PY)),$(filter-out help clean setup test check,$(or $(MAKECMDGOALS),all))),\
  $(shell $(PY) -m stages.intact $(look) $(sort $(DATA) $(EXP))))

# FORCE if the recorded settings of target $(2) differ from $(1), or if it is damaged.
differ = $(subst x$(1)x,,x$(2)x)$(subst x$(2)x,,x$(1)x)
recorded = $(strip $(if $(wildcard $(1).made),$(shell sed -n 1p $(1).made 2>/dev/null)))
changed = $(if $(filter $(2),$(damaged))$(call differ,$(strip $(1)),$(call recorded,$(2))),FORCE)
FORCE:

# Only folders that are new, empty or phonoscope's own are written to.
marked := $(sort $(DATA) $(EXP))
$(marked:%=%/.phonoscope):
	@if [ -n "$$(ls -A $(@D) 2>/dev/null)" ]; then \
	  echo "$(@D): not phonoscope's, for there is no .phonoscope in it; choose another folder, or, if all in it may be" \
	    "replaced: touch $(@D)/.phonoscope" >&2; exit 1; fi
	@mkdir -p $(@D) && echo "phonoscope may replace and remove what is in this folder, all but own" >$@

from := $(if $(CORPUS_DIR),$(CORPUS_DIR),$(shell cat $(DATA)/corpus_dir.txt 2>/dev/null))
# Text that people write is read with the words of its lexicon.
spelled = $(if $(LEXICON),$(if $(from)$(filter commonvoice,$(CORPUS)),$(call quoted,--lexicon=$(LEXICON))))
data_opts = --corpus $(CORPUS) $(if $(from),$(call quoted,--corpus-dir=$(from))) \
	$(if $(SPLIT),$(call quoted,--split=$(SPLIT))) --out $(DATA) $(spelled) $(call words_of,DATA_ARGS)
$(DATA)/splits.json: $(call changed,$(data_opts),$(DATA)/splits.json) | $(VENV)/.phonoscope $(marked:%=%/.phonoscope)
	$(PY) -m stages.prepare_data --jobs $(NJ) $(if $(DOWNLOADS),$(call quoted,--downloads=$(DOWNLOADS))) $(data_opts)

lang_opts = --data $(DATA) --out $(DATA)/lang $(call quoted,--vocab=$(VOCAB)) $(call quoted,--oov=$(OOV)) \
	$(if $(LEXICON),$(call quoted,--lexicon=$(LEXICON))) $(if $(PHONES),$(call quoted,--phones=$(PHONES))) \
	$(call words_of,LANG_ARGS)
$(DATA)/lang/lang.json: $(DATA)/splits.json $(call changed,$(lang_opts),$(DATA)/lang/lang.json)
	$(PY) -m stages.make_lang $(lang_opts)

# Raw features of set $(1), of a kind $(2) that a line in stages/settings.mk names: a file of features or, of a layer
# (ENCODER.LAYER), what says that the encoder's layers are there.
raw_of    = $(DATA)/$(1)/$(if $(suffix $(2)),$(basename $(2)).json,$(if $(filter-out mfcc,$(2)),$(2)/)feats.scp)
leave_out = $(if $(filter yes,$(ALLOW_SHORT)),--leave-out $(DATA)/$(1)/short.txt)
mfcc_opts = --data $(DATA)/$(1) $(if $(filter-out mfcc,$(2)),--features $(2) --out $(DATA)/$(1)/$(2)) \
	$(leave_out) $(call words_of,MFCC_ARGS)
define raw_features
$(call raw_of,%,$(1)): $(DATA)/splits.json $$$$(call changed,$$$$(call mfcc_opts,$$$$*,$(1)),$(call raw_of,$$$$*,$(1)))
	$$(PY) -m stages.make_mfcc --jobs $(NJ) $$(call mfcc_opts,$$*,$(1))
endef
# Of train at another speed, the stem, for the networks that are trained on it: what make_mfcc takes for kind $(1) and
# speed $(2), and where it goes.
at_speed   = $(dir $(call raw_of,train,$(1)))speed$(2)
speed_opts = $(call mfcc_opts,train,$(1)) --speed $(2) --out $(at_speed)
define raw_at_speed
$(call at_speed,$(1),%)/feats.scp: $(DATA)/splits.json \
		$$$$(call changed,$$$$(call speed_opts,$(1),$$$$*),$$$$(call at_speed,$(1),$$$$*)/feats.scp)
	$$(PY) -m stages.make_mfcc --jobs $(NJ) $$(call speed_opts,$(1),$$*)
endef
# The speeds in words: the numbers behind --speeds, or in speeds=0.9,1.0,1.1.
numbers    = $(if $(1),$(if $(call without,. $(digits),$(firstword $(1))),,\
	$(firstword $(1)) $(call numbers,$(wordlist 2,99,$(1)))))
speeds     = $(if $(1),$(if $(filter --speeds speeds,$(firstword $(1))),$(call numbers,$(wordlist 2,99,$(1)))) \
	$(call speeds,$(wordlist 2,99,$(1))))
other_speeds = $(foreach v,$(filter-out 1 1.0 1.00,$(sort $(call speeds,$(subst =, ,$(subst $(comma), ,$(2)))))),\
	$(call at_speed,$(1),$(v))/feats.scp)
# A file is named without ":".
encoder_file = $(subst :,-,$(1))
features = $(patsubst ENCODER.%,$(call encoder_file,$(ENCODER)).%,$(call column,$(1),5))
kinds := $(sort mfcc fbank $(foreach s,$(known_systems),$(call features,$(s))))
$(foreach k,$(kinds),$(if $(suffix $(k)),,$(eval $(call raw_features,$(k)))$(eval $(call raw_at_speed,$(k)))))

# The layers of an encoder, whose files are called $(1): one rule makes those that systems, `make encode` and `make
# layers` want. ENCODER goes with its controls.
controlled := $(ENCODER) $(if $(findstring :,$(ENCODER)),,$(ENCODER):random $(ENCODER):shuffled)
encoders := $(sort $(controlled) $(foreach k,$(kinds),$(if $(suffix $(k)),$(filter-out $(call encoder_file,$(ENCODER)),\
  $(basename $(k))))))
encoder_called = $(strip $(foreach e,$(encoders),$(if $(filter $(1),$(call encoder_file,$(e))),$(e))))
models_opt = $(if $(MODELS),$(call quoted,--models=$(MODELS)))
# Its own words are wanted of the test set alone: to write them takes much longer than to encode.
encode_opts = --data $(DATA)/$(1) $(call quoted,--encoder=$(call encoder_called,$(2))) --out $(DATA)/$(1)/$(2).json \
	$(if $(LAYERS),--layers $(call words_of,LAYERS)) $(leave_out) \
	$(foreach w,$(filter-out $(if $(filter-out test,$(1)),--words),$(ENCODE_ARGS)),$(call quoted,$(w)))
define encoding
$(DATA)/%/$(1).json: $(DATA)/splits.json \
		$$$$(call changed,$$$$(call encode_opts,$$$$*,$(1)),$(DATA)/$$$$*/$(1).json) | $(VENV)/.phonoscope
	$$(PY) -m stages.encode --jobs $(NJ) $$(models_opt) $$(call encode_opts,$$*,$(1))
endef
$(foreach e,$(encoders),$(eval $(call encoding,$(call encoder_file,$(e)))))

# The reference: its forced alignment chooses pronunciations, and gives times where there are no gold phones.
reference := $(EXP)/$(REFERENCE)

pron_probs_opts = --ali $(reference)/ali_train --lang $(DATA)/lang --out $(EXP)/lang_pp
$(EXP)/lang_pp/lang.json: $(reference)/ali_train/phones.txt $(call changed,$(pron_probs_opts),$(EXP)/lang_pp/lang.json)
	$(PY) -m stages.pron_probs $(pron_probs_opts)

# What a system ($(1)) searches with: the probabilities are the decoder's, so what trains stays as it is.
counted = $(if $(filter yes,$(PRON_PROBS)),$(filter wfst,$(search_of)))
plain_lang = $(if $(counted),$(EXP)/lang_pp,$(DATA)/lang)
# A language model of the user's takes the place of the n-gram: a file in a lang directory of its own, or an object of
# Python (module:object), which is named to every search and in no file.
lm_object := $(findstring :,$(LM))
search_lang = $(if $(LM),$(if $(lm_object),$(plain_lang),$(EXP)/own_lm/$(notdir $(plain_lang))),$(plain_lang))
lm_opt = $(if $(lm_object),$(call quoted,--lm=$(LM)))
own_lm_opts = --lang $(1) $(call quoted,--lm=$(LM)) --out $(EXP)/own_lm/$(notdir $(1))
define own_lm
$(EXP)/own_lm/$(notdir $(1))/lang.json: $(1)/lang.json \
		$$(call changed,$$(call own_lm_opts,$(1)),$(EXP)/own_lm/$(notdir $(1))/lang.json)
	$$(PY) -m stages.own_lm $$(call own_lm_opts,$(1))
endef
$(foreach l,$(DATA)/lang $(EXP)/lang_pp,$(eval $(call own_lm,$(l))))

# A system $(1) of the lines in stages/settings.mk: where its model is, its kind, its teacher, its search for words.
kind_of    = $(call column,$(1),2)
model_name = $(if $(filter $(1),$(known_systems)),$(or $(patsubst =%,%,$(filter =%,$(call kind_of,$(1)))),$(1)),$(1))
model_dir  = $(EXP)/$(model_name)
teacher    = $(filter-out -,$(call column,$(1),3))
search_of  = $(call column,$(1),4)

# The model whose maps adapt the features of system $(1) to each speaker, if any: a sat itself, or its pupil's teacher. Of
# train they are learned with the model, of a set $(2) by what the first pass, a sat's teacher, heard.
is_sat     = $(filter sat,$(call kind_of,$(1)))
adapter_of = $(if $(call is_sat,$(model_name)),$(model_name),$(if $(call is_sat,$(teacher)),$(teacher)))
maps_of    = $(patsubst %,$(EXP)/%/fmllr_$(2).scp,$(call adapter_of,$(call model_name,$(1))))
# What system $(1) reads of a set $(2).
read_of    = $(call raw_of,$(2),$(features)) $(maps_of)

# The raw features that system $(1) is trained on, as its arguments, and others, $(2), want them; and the maps that are
# there before it.
heard = $(call raw_of,train,$(features)) $(if $(suffix $(features)),,$(call other_speeds,$(features),$(2))) \
	$(if $(filter $(1),$(adapter_of)),,$(foreach t,train dev,$(call maps_of,$(1),$(t))))

# Training of a system, and its forced alignment of a set $(2), which teaches others or is the reference.
align_opts = --model $(EXP)/$(1) --data $(DATA)/$(2) --lang $(DATA)/lang --out $(EXP)/$(1)/ali_$(2)
define training
train_$(1) = --system $(kind_of) --data $(DATA)/train --dev $(DATA)/dev --lang $(DATA)/lang --out $(EXP)/$(1) \
	$(if $(filter-out mfcc,$(features)),--features $(features)) \
	$(if $(teacher),--teacher $(EXP)/$(teacher) $(if $(filter no,$(GOLD)),--gold no)) \
	$$(call words_of,$(call capitals,$(1))_ARGS)
$(EXP)/$(1)/model.safetensors: $(call heard,$(1),$($(call capitals,$(1))_ARGS)) $(DATA)/lang/lang.json \
		$(if $(teacher),$(patsubst %,$(EXP)/$(teacher)/ali_%/phones.txt,train dev)) \
		$$(call changed,$$(train_$(1)),$(EXP)/$(1)/model.safetensors) | $(call raw_of,dev,$(features))
	$$(PY) -m stages.train --jobs $(NJ) $(if $(suffix $(features)),$$(models_opt)) $$(train_$(1))

# Of its training: again, with one setting changed; and its first updates, with ever higher learning rates.
ablation_$(1) = --model $(EXP)/$(1) --data $(DATA)/train --dev $(DATA)/dev --lang $(DATA)/lang \
	--out $(EXP)/$(1)/ablation.tsv $$(call words_of,ABLATION_ARGS)
$(EXP)/$(1)/ablation.tsv: $(EXP)/$(1)/model.safetensors $(call heard,$(1),$(ABLATION_ARGS)) \
		$$(call changed,$$(ablation_$(1)),$(EXP)/$(1)/ablation.tsv)
	$$(PY) -m stages.ablate --jobs $(NJ) $$(ablation_$(1))
rates_$(1) = $$(train_$(1)) --out $(EXP)/$(1)/rates.tsv $$(call words_of,RATES_ARGS)
$(EXP)/$(1)/rates.tsv: $(call heard,$(1),$($(call capitals,$(1))_ARGS)) $(DATA)/lang/lang.json \
		$$(call changed,$$(rates_$(1)),$(EXP)/$(1)/rates.tsv) | $(call raw_of,dev,$(features))
	$$(PY) -m stages.find_rate --jobs $(NJ) $$(rates_$(1))

$(EXP)/$(1)/ali_%/phones.txt: $(EXP)/$(1)/model.safetensors $(DATA)/%/feats.scp $(call read_of,$(1),%) \
		$$$$(call changed,$$$$(call align_opts,$(1),$$$$*),$(EXP)/$(1)/ali_$$$$*/phones.txt)
	$$(PY) -m stages.align --jobs $(NJ) $$(call align_opts,$(1),$$*)
$(1): $(foreach s,$(known_systems),$(if $(filter $(1),$(call model_name,$(s))),$(EXP)/$(s)/decode_test/wer.txt))
endef
$(foreach s,$(trained),$(eval $(call training,$(s))))

# The maps of the test set, or dev, $(2), for a sat $(1).
define adapting
adapt_$(1)_$(2) = --model $(EXP)/$(1) --data $(DATA)/$(2) --lang $(search_lang) \
	--heard $(EXP)/$(teacher)/decode_$(2) --out $(EXP)/$(1)/fmllr_$(2).scp
$(EXP)/$(1)/fmllr_$(2).scp: $(EXP)/$(1)/model.safetensors $(EXP)/$(teacher)/decode_$(2)/hyp.txt \
		$$(call changed,$$(adapt_$(1)_$(2)),$(EXP)/$(1)/fmllr_$(2).scp)
	$$(PY) -m stages.adapt --jobs $(NJ) $$(adapt_$(1)_$(2))
endef
$(foreach s,$(trained),$(if $(filter sat,$(call kind_of,$(s))),$(foreach t,dev test,$(eval $(call adapting,$(s),$(t))))\
  $(eval $(EXP)/$(s)/fmllr_train.scp: $(EXP)/$(s)/model.safetensors ;)))

# Tuning, decoding and scoring of system $(1) in EXP/$(2), with lang directory $(3), more options $(4) of the decode and
# $(5) of both.
define searches
tune_$(2) = --model $(model_dir) --search $(search_of) --data $(DATA)/dev --lang $(3) \
	--ref-phones $(reference)/ali_dev/reference.txt --out $(EXP)/$(2) $(5) $$(call words_of,TUNE_ARGS)
$(EXP)/$(2)/tuning.json: $(model_dir)/model.safetensors $(call read_of,$(1),dev) $(reference)/ali_dev/phones.txt \
		$(3)/lang.json \
		$$(call changed,$$(tune_$(2)),$(EXP)/$(2)/tuning.json)
	$$(PY) -m stages.tune --jobs $(NJ) $$(tune_$(2))

decode_$(2) = --model $(model_dir) --search $(search_of) --tuning $(EXP)/$(2)/tuning.json \
	--data $(DATA)/$$(1) --lang $(3) --out $(EXP)/$(2)/decode_$$(1) $(4) $(5) $$(call words_of,DECODE_ARGS)
$(EXP)/$(2)/decode_%/hyp.txt: $(EXP)/$(2)/tuning.json $(call read_of,$(1),%) \
		$$$$(call changed,$$$$(call decode_$(2),$$$$*),$(EXP)/$(2)/decode_$$$$*/hyp.txt)
	$$(PY) -m stages.decode --jobs $(NJ) $$(call decode_$(2),$$*)

score_$(2) = --decode $(EXP)/$(2)/decode_test --data $(DATA)/test --ref-phones $(reference)/ali_test/reference.txt
$(EXP)/$(2)/decode_test/wer.txt: $(EXP)/$(2)/decode_test/hyp.txt $(reference)/ali_test/phones.txt \
		$$(call changed,$$(score_$(2)),$(EXP)/$(2)/decode_test/wer.txt)
	$$(PY) -m stages.score $$(score_$(2))
endef

# The same without grammar: any word, or any phone, after any other. Only the best path is wanted.
flat_opts = --lang $(DATA)/lang --out $(EXP)/lang_flat
$(EXP)/lang_flat/lang.json: $(DATA)/lang/lang.json $(call changed,$(flat_opts),$(EXP)/lang_flat/lang.json)
	$(PY) -m stages.flat_lang $(flat_opts)

define system
$(call searches,$(1),$(1),$(search_lang),,$$(lm_opt))
$(call searches,$(1),flat/$(1),$(EXP)/lang_flat,--lattice-beam 0.1,)

errors_$(1) = --decode $(EXP)/$(1)/decode_test --model $(model_dir) \
	--tuning $(EXP)/$(1)/tuning.json --data $(DATA)/test --lang $(search_lang) --ali $(reference)/ali_test \
	$$(lm_opt)
$(EXP)/$(1)/decode_test/errors.json: $(EXP)/$(1)/decode_test/hyp.txt $(reference)/ali_test/phones.txt \
		$$(call changed,$$(errors_$(1)),$(EXP)/$(1)/decode_test/errors.json)
	$$(PY) -m stages.explain_errors --jobs $(NJ) $$(errors_$(1))

sweep_$(1) = --model $(model_dir) --tuning $(EXP)/$(1)/tuning.json --data $(DATA)/dev --lang $(search_lang) \
	--ref-phones $(reference)/ali_dev/reference.txt --out $(EXP)/$(1)/sweep.tsv \
	$$(lm_opt) $$(call words_of,DECODE_ARGS) $$(call words_of,SWEEP_ARGS)
$(EXP)/$(1)/sweep.tsv: $(EXP)/$(1)/tuning.json $(call read_of,$(1),dev) $(reference)/ali_dev/phones.txt \
		$$(call changed,$$(sweep_$(1)),$(EXP)/$(1)/sweep.tsv)
	$$(PY) -m stages.sweep --jobs $(NJ) $$(sweep_$(1))
endef
unknown_systems := $(filter-out $(known_systems),$(SYSTEMS))
$(if $(unknown_systems),$(error SYSTEMS: "$(unknown_systems)" unknown; there are: $(known_systems)))
$(foreach s,$(known_systems),$(eval $(call system,$(s))))

pp := $(EXP)/pron_probs
pp_tune = --model $(reference) --data $(DATA)/dev --lang $(if $(filter with,$(1)),$(EXP)/lang_pp,$(DATA)/lang) \
	--ref-phones $(reference)/ali_dev/reference.txt --out $(pp)/$(1) $(call words_of,TUNE_ARGS)
$(pp)/%/tuning.json: $(reference)/model.safetensors $(DATA)/dev/feats.scp $(reference)/ali_dev/phones.txt \
		$(EXP)/lang_pp/lang.json \
		$$(call changed,$$(call pp_tune,$$*),$(pp)/$$*/tuning.json)
	$(PY) -m stages.tune --jobs $(NJ) $(call pp_tune,$*)

pp_opts = --model $(reference) --data $(DATA)/dev --langs $(DATA)/lang $(EXP)/lang_pp --out $(pp)
$(pp)/dev.txt: $(pp)/without/tuning.json $(pp)/with/tuning.json $(call changed,$(pp_opts),$(pp)/dev.txt)
	$(PY) -m stages.show_pron_probs --jobs $(NJ) $(pp_opts)

# Where the words of the test set are, by each model. The reference's waits for `align`, since one stage alone writes
# into a folder at a time.
define aligner
place_$(1) = --model $(EXP)/$(1) --data $(DATA)/test --lang $(DATA)/lang \
	$(if $(filter yes,$(GOLD)),--teacher $(DATA)/train) --out $(EXP)/$(1)/ali_test
$(EXP)/$(1)/ali_test/alignment.json: $(EXP)/$(1)/model.safetensors \
		$(foreach s,train test,$(DATA)/$(s)/feats.scp $(call read_of,$(1),$(s))) \
		$$(call changed,$$(place_$(1)),$(EXP)/$(1)/ali_test/alignment.json) \
		| $(if $(filter $(REFERENCE),$(1)),$(reference)/ali_test/phones.txt)
	$$(PY) -m stages.place --jobs $(NJ) $$(place_$(1))
endef
$(foreach s,$(trained),$(eval $(call aligner,$(s))))
uniq = $(if $(1),$(firstword $(1)) $(call uniq,$(filter-out $(firstword $(1)),$(1))))
aligners := $(call uniq,$(REFERENCE) $(foreach s,$(SYSTEMS),$(call model_name,$(s))))
alignments := $(patsubst %,$(EXP)/%/ali_test/alignment.json,$(aligners))

# An experiment and its reference.
experiment = --exp $(EXP) --data $(DATA) --reference $(REFERENCE)
boundaries_opts = $(experiment) --aligners $(aligners) --systems $(SYSTEMS) --out $(EXP)/boundaries.tsv
$(EXP)/boundaries.tsv: $(alignments) $(patsubst %,$(EXP)/%/decode_test/hyp.txt,$(SYSTEMS)) \
		$(call changed,$(boundaries_opts),$(EXP)/boundaries.tsv)
	$(PY) -m stages.boundaries $(boundaries_opts)

scores := $(patsubst %,$(EXP)/%/decode_test/wer.txt,$(SYSTEMS))
# What encoders wrote themselves, if they were asked for it (ENCODE_ARGS=--words), has a row of its own.
own_words := $(wildcard $(foreach e,$(encoders),$(DATA)/test/$(call encoder_file,$(e)).txt))
# So have combinations of SYSTEMS, A.B, that have been asked for.
wanted := $(if $(filter combine,$(MAKECMDGOALS)),$(strip $(COMBINE)))
$(if $(filter-out $(SYSTEMS),$(wanted)),$(error COMBINE: "$(filter-out $(SYSTEMS),$(wanted))" is none of SYSTEMS; \
  add it to both))
combinations := $(call uniq,$(foreach c,$(notdir $(patsubst %/hyp.txt,%,$(wildcard $(EXP)/combined/*/hyp.txt))),\
	$(if $(filter-out $(SYSTEMS),$(subst ., ,$(c))),,$(c))) $(subst $(space),.,$(wanted)))
define combination
combine_$(1) = $(experiment) --systems $(subst ., ,$(1)) --out $(EXP)/combined/$(1)
$(EXP)/combined/$(1)/hyp.txt: $(reference)/ali_dev/phones.txt \
		$(foreach s,$(subst ., ,$(1)),$(EXP)/$(s)/decode_dev/hyp.txt $(EXP)/$(s)/decode_test/hyp.txt) \
		$$(call changed,$$(combine_$(1)),$(EXP)/combined/$(1)/hyp.txt)
	$$(PY) -m stages.combine --jobs $(NJ) $$(combine_$(1))
endef
$(foreach c,$(combinations),$(eval $(call combination,$(c))))
# And so has each of SYSTEMS that was rescored, with a neural language model of the words of train.
neural_lm_opts = --data $(DATA) --lang $(DATA)/lang --out $(EXP)/rescored/neural_lm $(call words_of,NEURAL_LM_ARGS)
$(EXP)/rescored/neural_lm/model.safetensors: $(DATA)/lang/lang.json \
		$(call changed,$(neural_lm_opts),$(EXP)/rescored/neural_lm/model.safetensors)
	$(PY) -m stages.neural_lm $(neural_lm_opts)

again := $(if $(filter rescore,$(MAKECMDGOALS)),$(MODEL))
$(if $(filter-out $(SYSTEMS),$(again)),$(error MODEL: "$(again)" is none of SYSTEMS; add it there))
rescored := $(call uniq,$(filter $(SYSTEMS),$(patsubst $(EXP)/rescored/%/hyp.txt,%,\
	$(wildcard $(EXP)/rescored/*/hyp.txt))) $(again))
define second_pass
rescore_$(1) = --exp $(EXP) --data $(DATA) --system $(1) --model $(EXP)/rescored/neural_lm --lang $(search_lang) \
	$$(lm_opt) --out $(EXP)/rescored/$(1) $$(call words_of,RESCORE_ARGS)
$(EXP)/rescored/$(1)/hyp.txt: $(EXP)/rescored/neural_lm/model.safetensors $(search_lang)/lang.json \
		$(EXP)/$(1)/decode_dev/hyp.txt $(EXP)/$(1)/decode_test/hyp.txt \
		$$(call changed,$$(rescore_$(1)),$(EXP)/rescored/$(1)/hyp.txt)
	$$(PY) -m stages.rescore --jobs $(NJ) $$(rescore_$(1))
endef
$(foreach s,$(rescored),$(eval $(call second_pass,$(s))))
# And so has each decode of Kaldi's that KALDI_EXP has named: EXPERIMENT.DECODE.
kaldi_name = $(call tidy,$(odd_in_name),$(notdir $(patsubst %/,%,$(dir $(1)))).$(notdir $(1)))
kaldi_rows := $(call uniq,$(notdir $(patsubst %/kaldi.json,%,$(wildcard $(EXP)/kaldi/*/kaldi.json))) \
	$(foreach k,$(KALDI_EXP),$(call kaldi_name,$(k))))
define kaldi_row
kaldi_$(2) = --kaldi $(1) $(experiment) --lang $(DATA)/lang --out $(EXP)/kaldi/$(2) $$(call words_of,KALDI_ARGS)
$(EXP)/kaldi/$(2)/kaldi.json: $(reference)/ali_test/phones.txt \
		$(wildcard $(foreach d,$(1) $(subst test,dev,$(1)),$(d)/scoring_kaldi/best_wer $(d)/wer_*)) \
		$$(call changed,$$(kaldi_$(2)),$(EXP)/kaldi/$(2)/kaldi.json)
	$$(PY) -m stages.kaldi_results $$(kaldi_$(2))
endef
$(foreach k,$(KALDI_EXP),$(eval $(call kaldi_row,$(k),$(call kaldi_name,$(k)))))
beside := $(own_words) $(patsubst %,$(EXP)/kaldi/%/kaldi.json,$(kaldi_rows)) $(patsubst %,$(EXP)/combined/%/hyp.txt,$(combinations)) \
	$(patsubst %,$(EXP)/rescored/%/hyp.txt,$(rescored))

compare_opts = $(experiment) --systems $(SYSTEMS) --out $(EXP)/compare.tsv
$(EXP)/compare.tsv: $(scores) $(beside) $(EXP)/boundaries.tsv $(call changed,$(compare_opts),$(EXP)/compare.tsv)
	$(PY) -m stages.compare $(compare_opts)

report_opts = $(experiment) --systems $(SYSTEMS) $(if $(pair_differs),--pair $(PAIR)) --out $(EXP)/report \
	$(call words_of,REPORT_ARGS)
# An utterance that is asked for is added to those that the report has, and stays.
also := $(if $(filter report,$(MAKECMDGOALS)),$(UTT))
pair_differs = $(if $(filter-out $(SYSTEMS),$(PAIR)),,$(EXP)/lattice_difference.txt)
$(EXP)/report/index.html: $(scores) $(beside) $(EXP)/compare.tsv $(EXP)/boundaries.tsv $(explained) $(pair_differs) \
		$(wildcard $(EXP)/layers/*.json $(foreach s,$(SYSTEMS),$(EXP)/$(s)/ablation.tsv) $(EXP)/matrix.txt \
		$(EXP)/lattice_difference.json) $(if $(also),FORCE) $(call changed,$(report_opts),$(EXP)/report/index.html)
	$(PY) -m stages.report --jobs $(NJ) $(report_opts) $(if $(also),$(call quoted,--utt=$(UTT)))

# What only one of the two systems of PAIR considered, of all that their free phone searches did.
pair_opts = $(experiment) --systems $(PAIR) --out $(EXP)/lattice_difference.txt
$(EXP)/lattice_difference.txt: $(patsubst %,$(EXP)/%/decode_test/hyp.txt,$(PAIR)) $(reference)/ali_test/phones.txt \
		$(call changed,$(pair_opts),$(EXP)/lattice_difference.txt)
	$(PY) -m stages.lattice_difference --jobs $(NJ) $(pair_opts)

matrix_opts = $(experiment) --systems $(SYSTEMS) --out $(EXP)/matrix.tsv
$(EXP)/matrix.tsv: $(scores) $(patsubst %,$(EXP)/flat/%/decode_test/wer.txt,$(SYSTEMS)) \
		$(call changed,$(matrix_opts),$(EXP)/matrix.tsv)
	$(PY) -m stages.matrix $(matrix_opts)

# The same experiment again and again, each time with other seeds: of what is random in training, and of the noise that
# is added to all sound (Kaldi's dither), for the Gaussians know no chance of their own.
seeded     = $(foreach s,$(trained),$(if $(filter classifier ctc letters las rnnt fine dnn,$(call kind_of,$(s))),$(s)))
with_seed  = $(foreach s,$(seeded),$(call quoted,$(call capitals,$(s))_ARGS=$($(call capitals,$(s))_ARGS) --seed $(1)))
seed_list := $(if $(filter spread,$(MAKECMDGOALS)),$(shell seq 1 $(SEEDS)))
spread_runs = $(patsubst %,$(EXP)/spread/%,$(seed_list))
# All settings are handed on by name. A line that names MAKE itself would run with -n too.
of_seed    = EXP DATA DIR MFCC_ARGS $(foreach s,$(seeded),$(call capitals,$(s))_ARGS)
handed_on  = $(foreach s,$(filter-out $(of_seed),$(settings)),$(call quoted,$(s)=$($(s))))
run_with_seed = $(MAKE) --no-print-directory decode EXP=$(EXP)/spread/$(n) DATA=$(DATA)/spread/$(n) $(handed_on) \
	$(call quoted,MFCC_ARGS=$(MFCC_ARGS) --dither 1 --seed $(n)) $(call with_seed,$(n))
## spread: how far the error rates of SYSTEMS move by chance: all trained again with SEEDS seeds (takes so many times)
spread: $(VENV)/.phonoscope
	$(if $(look),@echo $(SEEDS) times: make decode,+@$(foreach n,$(seed_list),$(run_with_seed) &&) true)
	@$(PY) -m stages.spread --runs $(spread_runs) --systems $(SYSTEMS) --out $(EXP)/spread.tsv

##@ Encoders from outside
## models: encoders that are known by name, and which are on this machine
models: | $(VENV)/.phonoscope
	@$(PY) -m stages.models $(models_opt)

## encode: layers LAYERS (or all) of ENCODER, of train, dev and test
encode: $(patsubst %,$(DATA)/%/$(call encoder_file,$(ENCODER)).json,train dev test)

## layers: what each layer of ENCODER knows of phones, beside controls, SYSTEMS and what goes into them
measured := $(EXP)/layers/$(call encoder_file,$(ENCODER))$(if $(filter no,$(GOLD)),.dictionary).tsv
layers: $(measured)
	$(call print,$(call in_report,$<))
layered := $(call uniq,$(foreach s,$(SYSTEMS),$(call model_name,$(s))))
layers_opts = --data $(DATA) --encoders $(controlled) --models $(patsubst %,$(EXP)/%,$(layered)) \
	--reference $(reference) --out $(measured) $(if $(filter no,$(GOLD)),--gold no) $(call words_of,LAYERS_ARGS)
$(measured): $(DATA)/lang/lang.json $(patsubst %,$(EXP)/%/model.safetensors,$(layered)) \
		$(foreach s,train dev test,$(patsubst %,$(DATA)/$(s)/%.json,$(call encoder_file,$(controlled))) \
		$(reference)/ali_$(s)/phones.txt $(foreach k,$(sort mfcc fbank $(foreach m,$(layered),\
		$(call features,$(m)))),$(call raw_of,$(s),$(k)))) \
		$(call changed,$(layers_opts),$(measured))
	$(PY) -m stages.layers --jobs $(NJ) $(layers_opts)

##@ Look inside
## lattice_difference: phones that only one of the two systems of PAIR considered, by class
lattice_difference: $(EXP)/lattice_difference.txt
	$(call print,echo; $(call whole,$<); echo; $(call in_report,$<))

# What is needed of system $(1) to look inside: file $(2), which a stage makes or, of a model of one's own, is there.
inside = $(if $(filter $(known_systems),$(1))$(wildcard $(EXP)/$(1)/$(2)),$(EXP)/$(1)/$(2),$(error \
  $(if $(filter $(1),$(MODEL)),MODEL,MODEL2)=$(1): no such system, and no $(EXP)/$(1)/$(2); there are: \
  $(known_systems)))

## lattice_text: all lattices of MODEL (GRAPH=free, words or word_arcs) as SLF, JSON, and text for Kaldi and OpenFst
lattice_text: $$(call inside,$$(MODEL),decode_test/hyp.txt)
	@$(PY) -m stages.export_lattices --jobs $(NJ) $(call quoted,--lattices=$(EXP)/$(MODEL)/decode_test/lattices/$(GRAPH)) \
	  $(call quoted,--out=$(EXP)/lattices/$(MODEL).$(GRAPH))

$(if $(filter-out phone word,$(LEVEL)),$(error LEVEL=$(LEVEL): write phone or word))
lattice_opts = $(experiment) --model $(MODEL) $(if $(MODEL2),--model2 $(MODEL2)) \
	$(call quoted,--graph=$(if $(filter word,$(LEVEL)),word_arcs,$(GRAPH))) \
	$(call quoted,--min-posterior=$(MIN_POSTERIOR)) $(if $(BEAM),$(call quoted,--beam=$(BEAM)))
## lattice: what MODEL considered in UTT, by phone or word (LEVEL), also as SLF, JSON and SVG; beside it MODEL2
lattice: $$(foreach m,$$(MODEL) $$(MODEL2),$$(call inside,$$m,decode_test/hyp.txt)) $(reference)/ali_test/phones.txt
	@$(PY) -m stages.show_lattice $(lattice_opts) $(call quoted,--utt=$(UTT))

tree_of = $(if $(filter file,$(origin MODEL)),$(lastword $(or $(filter tri lda sat,$(SYSTEMS)),tri)),$(MODEL))
## tree: which neighbours make a difference to PHONE: the decision trees of MODEL (tri, lda, sat), and what they gained
tree: $(if $(filter tree,$(MAKECMDGOALS)),$$(call inside,$$(tree_of),model.safetensors))
	@$(PY) -m stages.tree --exp $(EXP) --data $(DATA) --model $(tree_of) $(call quoted,--phone=$(PHONE))

# What must be there before a stage can be shown, and whose results are: those of MODEL if it is given, else of SYSTEMS.
chosen := $(if $(filter file,$(origin MODEL)),$(SYSTEMS),$(MODEL))
aligned := $(patsubst %,$(DATA)/%/feats.scp,test dev train) $(patsubst %,$(reference)/ali_%/phones.txt,test dev train)
show_data    := $(DATA)/splits.json
show_lexicon := $(DATA)/lang/lang.json
show_mfcc    := $(patsubst %,$(DATA)/%/feats.scp,test dev train)
$(foreach s,$(trained),$(eval show_$(s) := $(aligned) $(EXP)/$(s)/model.safetensors \
  $(foreach t,test dev train,$(call read_of,$(s),$(t)))))
placed_by    := $(filter $(aligners),$(if $(filter file,$(origin MODEL)),$(aligners),$(MODEL)))
show_align   := $(aligned) $(patsubst %,$(EXP)/%/ali_test/alignment.json,$(placed_by))
show_lattice  = $(call inside,$(MODEL),decode_test/hyp.txt)
show_decode  := $(patsubst %,$(EXP)/%/decode_test/hyp.txt,$(filter $(known_systems),$(chosen)))
show_score   := $(patsubst %,$(EXP)/%/decode_test/wer.txt,$(filter $(known_systems),$(chosen)))
shown := data lexicon mfcc $(trained) align decode lattice score
show_stage = $(PY) -m stages.show $(call quoted,--stage=$(1)) $(call quoted,--utt=$(UTT)) $(experiment) \
	--lang $(call search_lang,$(firstword $(chosen))) --systems $(chosen)
## show: what goes in and out of STAGE for utterance UTT; without STAGE: which there are
show: $(if $(filter $(shown),$(call one_word,$(STAGE))),$(show_$(STAGE))) | $(VENV)/.phonoscope
	@$(call show_stage,$(STAGE))

replay_opts = $(experiment) --lang $(call search_lang,$(MODEL)) $(lm_opt) \
	--system $(MODEL) $(call model_dir,$(MODEL)) \
	$(call quoted,--graph=$(if $(filter file,$(origin GRAPH)),words,$(GRAPH)))
## replay: what MODEL's beam held in utterance UTT, and where the language model overruled the sound
replay: $$(call inside,$$(MODEL),tuning.json) $$(call read_of,$$(MODEL),test) \
		$(reference)/ali_test/phones.txt
	@$(PY) -m stages.replay $(call quoted,--utt=$(UTT)) $(replay_opts)

exported    = $(call model_dir,$(MODEL))
export_opts = --model $(exported) --out $(exported)/model.onnx
## export: the network of MODEL with its features as ONNX, for programs without PyTorch: EXP/MODEL/model.onnx
export: $(exported)/model.onnx
$(exported)/model.onnx: $(if $(filter export,$(MAKECMDGOALS)),$(call inside,$(notdir $(exported)),model.safetensors)) \
		$(call changed,$(export_opts),$(exported)/model.onnx)
	$(PY) -m stages.export_onnx $(export_opts)

kaldi_opts = --data $(DATA) --lang $(DATA)/lang --out $(DATA)/kaldi
## kaldi_dir: the corpus for Kaldi's own recipes: DATA/kaldi (docs/kaldi.md)
kaldi_dir: $(DATA)/kaldi/kaldi.json
$(DATA)/kaldi/kaldi.json: $(DATA)/lang/lang.json $(call changed,$(kaldi_opts),$(DATA)/kaldi/kaldi.json)
	$(PY) -m stages.kaldi_dir $(kaldi_opts)

## check: every line and file of data directory DIR, all faults listed; FIX=yes mends them
check: | $(VENV)/.phonoscope
	@$(PY) -m stages.check $(if $(filter yes,$(FIX)),--fix) -- $(call quoted,$(DIR))

bench_opts = --exp $(EXP) --data $(DATA)
## bench: how fast all is, beside Kaldi's own code, torchaudio and pyctcdecode (from pip; half an hour): EXP/bench
bench: $(VENV)/.phonoscope-test $(EXP)/neural/decode_test/hyp.txt $(reference)/ali_test/phones.txt $(EXP)/gmm/tuning.json
	@$(PY) bench/classical.py $(bench_opts) --out $(EXP)/bench
	@$(PY) bench/speed.py $(bench_opts) --reference $(REFERENCE)

##@ Your own audio

with_models = $(lm_opt) $(foreach s,$(1),--system $(s) $(call model_dir,$(s)) $(call search_lang,$(s)))
transcribe_opts = --exp $(EXP) $(models_opt) $(call with_models,$(SYSTEMS))
## transcribe: words and phones of recording WAV from each of SYSTEMS that is trained
transcribe: | $(VENV)/.phonoscope
	@$(PY) -m stages.transcribe $(call quoted,--wav=$(WAV)) $(transcribe_opts)

$(if $(filter-out $(known_systems),$(LISTEN)),$(error LISTEN: "$(filter-out $(known_systems),$(LISTEN))" unknown; \
  there are: $(known_systems)))
## listen: words and phones from LISTEN while one speaks, or WAV is played; on a page, too: PAGE=yes
listen: | $(VENV)/.phonoscope
	@$(PY) -m stages.listen $(call quoted,--wav=$(WAV)) --exp $(EXP) $(call with_models,$(LISTEN)) --page $(PAGE) \
	  $(call words_of,LISTEN_ARGS)

align_text_opts = --exp $(EXP) --lang $(DATA)/lang --jobs $(NJ) $(models_opt) \
	$(if $(filter yes,$(GOLD)),--teacher $(DATA)/train) \
	$(foreach s,$(chosen),--system $(s) $(call model_dir,$(s)))
## align: where in WAV each word of TEXT (or of TEXTFILE) is, by MODEL or the best on dev; or in utterance UTT
align: $(if $(UTT),$(show_align)) | $(VENV)/.phonoscope
	$(if $(and $(UTT),$(WAV)),$(error UTT is an utterance of the corpus and WAV a recording of your own; give one of them))
	@$(if $(UTT),$(call show_stage,align),$(PY) -m stages.align_text $(call quoted,--wav=$(WAV)) \
	  $(call quoted,--text=$(TEXT)) $(call quoted,--text-file=$(TEXTFILE)) $(align_text_opts))

## record: record SECONDS from the microphone, then transcribe, and align TEXT if it is given
record: | $(VENV)/.phonoscope
	@wav=$(EXP)/own/$$(date +%Y%m%d-%H%M%S).wav; \
	$(PY) -m stages.record $(call quoted,--seconds=$(SECONDS)) --out "$$wav" && \
	$(PY) -m stages.transcribe --wav "$$wav" $(transcribe_opts) \
	$(if $(TEXT)$(TEXTFILE),&& $(PY) -m stages.align_text --wav "$$wav" $(call quoted,--text=$(TEXT)) \
	  $(call quoted,--text-file=$(TEXTFILE)) $(align_text_opts))

##@ Housekeeping
## setup: make the virtual environment and install what is needed (about 5 GB)
setup: $(VENV)/.phonoscope

# The first Python that fits; torchaudio and flashlight-text have wheels for these only.
python = $(firstword $(foreach p,python3.11 python3.12 python3,$(shell $(p) -c \
	'import sys, venv, ensurepip; 0 < sys.version_info[1] - 10 < 3 and print("$(p)")' 2>/dev/null)))
no_python := No Python 3.11 or 3.12 with venv found; Debian and Ubuntu: sudo apt-get install python3-venv

# An environment whose making or filling was broken off (.unfinished) is made anew; one that is not ours is left alone.
# What it was filled from is kept in it: a copy of the project has other times.
filled = $(if $(shell cmp -s pyproject.toml $(1) || echo other),FORCE)
$(VENV)/.phonoscope: $(call filled,$(VENV)/.phonoscope)
	@if [ -e $(VENV)/.unfinished ]; then rm -rf $(VENV); fi
	@if ! $(PY) -c 'import pip' 2>/dev/null; then \
	  if [ -n "$$(ls -A $(VENV) 2>/dev/null)" ]; then \
	    echo "$(VENV): no Python environment with pip; remove it, or choose another: VENV=folder" >&2; exit 1; fi; \
	  [ -n "$(python)" ] || { echo "$(no_python)" >&2; exit 1; }; \
	  mkdir -p $(VENV) && touch $(VENV)/.unfinished && echo $(python) -m venv $(VENV) && $(python) -m venv $(VENV); fi
	$(PY) -m pip install --quiet --disable-pip-version-check -e ".[g2p]"
	@rm -f $(VENV)/.unfinished && cp pyproject.toml $@

$(VENV)/.phonoscope-test: $(call filled,$(VENV)/.phonoscope-test) | $(VENV)/.phonoscope
	$(PY) -m pip install --quiet --disable-pip-version-check -e ".[g2p,test]"
	@cp pyproject.toml $@

## test: run the tests (a browser is needed: apt-get install chromium)
test: $(VENV)/.phonoscope-test
	$(PY) -m pytest -n $(NJ) --dist loadfile --no-loadscope-reorder tests

## clean: delete exp/CORPUS and data/CORPUS, but no recordings of yours (exp/CORPUS/own)
clean:
	@$(firstword $(wildcard $(PY)) python3) -m stages.clean $(EXP) $(DATA)
	@rmdir $(EXP) $(DATA) 2>/dev/null || true

## help: show this
help:
	@awk '/^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^## [a-z_-]+: / {at = index($$0, ": "); \
	    printf "  %-18s %s\n", substr($$0, 4, at - 4), substr($$0, at + 2)}' Makefile
	@echo; echo "Systems"; printf '  %-18s train, tune, decode and score it\n' $(trained)
	@echo; echo "Settings (make gmm CORPUS=fsdd GMM_ARGS=\"--max-mix 4\"; or PHONOSCOPE_CORPUS=fsdd in the environment):"
	@printf '  %-13s = %s\n' $(foreach s,$(settings),$(s) $(call quoted,$(if $(filter CORPUS_DIR,$(s)),$(from),$($(s)))))
	@echo "What a stage takes: $(PY) -m stages.train --system gmm --help"

# A variable of the environment that has the name of a function here would be expanded to be handed on.
unexport $(foreach v,$(.VARIABLES),$(if $(filter filerecursive,$(origin $(v))$(flavor $(v))),$(v)))

# phonoscope: see the phones inside old and new speech recognisers.   make help
#
# Real files are the targets. Each stage records its settings in TARGET.args; `changed` compares them with what is asked
# for now, so that a changed setting runs that stage and what follows again, and nothing else. A stage writes its target
# last, under a temporary name that is renamed, so a killed run goes on where it was.

empty :=
space := $(empty) $(empty)

# A folder of one's own names its corpus. The data remember it, so that later `make CORPUS=name` is enough.
CORPUS_DIR ?=
CORPUS    ?= $(if $(CORPUS_DIR),$(notdir $(abspath $(CORPUS_DIR))),prompts)
odd := $(foreach c,: % ' " ` & ; | ( ) < > * ? ! [ ] { } \,$(findstring $c,$(CORPUS_DIR)$(CORPUS)))
odd := $(strip $(odd) $(if $(word 2,$(CORPUS_DIR))$(word 2,$(CORPUS)),space))
$(if $(odd),$(error CORPUS=$(CORPUS) CORPUS_DIR=$(CORPUS_DIR): make and the shell cannot take $(odd) in a name; \
  rename the folder, or give it another name: ln -s "FOLDER" mycorpus && make CORPUS_DIR=mycorpus))
SPLIT     ?=
VOCAB     ?= closed
OOV       ?= g2p
LEXICON   ?=
PHONES    ?=
PRON_PROBS ?= no
GOLD      ?= yes
SYSTEMS   ?= gmm frames neural neural_wfst
DOWNLOADS ?=
UTT       ?=
STAGE     ?=
MODEL     ?= gmm
MODEL2    ?=
GRAPH     ?= free
PAIR      ?= gmm neural
LEVEL     ?= phone
MIN_POSTERIOR ?= 0.01
BEAM      ?=
WAV       ?=
TEXT      ?=
TEXTFILE  ?=
SECONDS   ?= 10
NJ        ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 1)
DATA      ?= data/$(CORPUS)
EXP       ?= exp/$(CORPUS)
$(if $(and $(CORPUS_DIR),$(filter $(abspath $(DATA))/% $(abspath $(EXP))/%,$(abspath $(CORPUS_DIR))/)),\
  $(error CORPUS_DIR=$(CORPUS_DIR) lies where the stages write; give the corpus another name: CORPUS=my-$(CORPUS)))
DIR       ?= $(DATA)
FIX       ?=
VENV      ?= .venv

-include stages/conf/$(CORPUS).mk

DATA_ARGS   ?=
MFCC_ARGS   ?=
LANG_ARGS   ?=
GMM_ARGS    ?=
FRAMES_ARGS ?=
NEURAL_ARGS ?=
TUNE_ARGS   ?=
DECODE_ARGS ?=
REPORT_ARGS ?=

PY := $(VENV)/bin/python
MAKEFLAGS += --no-builtin-rules --warn-undefined-variables
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.SECONDEXPANSION:
.DEFAULT_GOAL := all
.PHONY: all setup data lexicon mfcc gmm frames neural decode compare errors matrix report pron_probs lattice lattice_difference lattice_text replay show check transcribe align record test clean help FORCE

##@ Everything
all: $(EXP)/report/index.html $(EXP)/compare.tsv  ## all stages on CORPUS, then the comparison

explained = $(patsubst %,$(EXP)/%/decode_test/errors.json,$(SYSTEMS))

##@ Stages
data:    $(DATA)/splits.json              ## fetch the corpus; data/CORPUS/{train,dev,test}
lexicon: $(DATA)/lang/lang.json           ## pronunciations and language models
mfcc:    $(patsubst %,$(DATA)/%/feats.scp,train dev test)  ## features
gmm:     $(EXP)/gmm/decode_test/wer.txt   ## train, tune, decode and score the GMM-HMM
frames:  $(EXP)/frames/decode_test/wer.txt  ## the same for the scikit-learn frame classifier
neural:  $(patsubst %,$(EXP)/%/decode_test/wer.txt,$(filter neural%,$(SYSTEMS)))  ## the same for the CTC network
decode:  $(patsubst %,$(EXP)/%/decode_test/wer.txt,$(SYSTEMS))  ## all systems, decoded and scored
compare: $(EXP)/compare.tsv               ## the table: old against new
errors:  $(explained)                     ## where each wrong word and phone comes from: search, lexicon, sound or language
matrix:  $(EXP)/matrix.tsv                ## what phone bigram, lexicon and language model bring to each of SYSTEMS
report:  $(EXP)/report/index.html         ## pages with pictures and sound; of utterance UTT alone, or UTT=all
pron_probs: $(EXP)/pron_probs/dev.txt     ## do counted pronunciation and pause probabilities help on dev?

# FORCE if the recorded settings of target $(2) differ from $(1). A pure look-up: `make -n` tells the truth.
flat = x$(subst ",,$(subst ',,$(subst $(space),_,$(strip $(1)))))x
differ = $(subst $(1),,$(2))$(subst $(2),,$(1))
changed = $(if $(call differ,$(call flat,$(1)),$(call flat,$(shell cat $(2).args 2>/dev/null))),FORCE)
FORCE:

# What people say, and call files and utterances, has spaces, quotes and dollar signs in it: $(1) names a setting, for the shell.
define newline


endef
quoted = '$(subst ','\'',$(subst $(newline), ,$(value $(1))))'

home = $(patsubst ~/%,$(wildcard ~)/%,$(1))
from = $(if $(CORPUS_DIR),$(call home,$(CORPUS_DIR)),$(patsubst dir:%,%,$(filter dir:%,$(subst \
  --corpus-dir$(space),dir:,$(shell cat $(DATA)/splits.json.args 2>/dev/null)))))
data_opts = --corpus $(CORPUS) $(if $(from),--corpus-dir $(from)) $(if $(SPLIT),--split $(SPLIT)) --out $(DATA) $(DATA_ARGS)
$(DATA)/splits.json: $(call changed,$(data_opts),$(DATA)/splits.json) | $(VENV)/.phonoscope
	$(PY) -m stages.prepare_data $(if $(DOWNLOADS),--downloads $(DOWNLOADS)) $(data_opts)

lang_opts = --data $(DATA) --out $(DATA)/lang --vocab $(VOCAB) --oov $(OOV) $(if $(LEXICON),--lexicon $(call home,$(LEXICON))) \
	$(if $(PHONES),--phones $(call home,$(PHONES))) $(LANG_ARGS)
$(DATA)/lang/lang.json: $(DATA)/splits.json $(wildcard lexicon/extra.txt $(LEXICON) $(PHONES)) $(call changed,$(lang_opts),$(DATA)/lang/lang.json)
	$(PY) -m stages.make_lang $(lang_opts)

mfcc_opts = --data $(DATA)/$(1) $(MFCC_ARGS)
$(DATA)/%/feats.scp: $(DATA)/splits.json $$(call changed,$$(call mfcc_opts,$$*),$(DATA)/$$*/feats.scp)
	$(PY) -m stages.make_mfcc --jobs $(NJ) $(call mfcc_opts,$*)

gmm_opts = --data $(DATA)/train --lang $(DATA)/lang --out $(EXP)/gmm $(GMM_ARGS)
$(EXP)/gmm/model.npz: $(DATA)/train/feats.scp $(DATA)/lang/lang.json $(call changed,$(gmm_opts),$(EXP)/gmm/model.npz)
	$(PY) -m stages.train_gmm --jobs $(NJ) $(gmm_opts)

align_opts = --model $(EXP)/gmm --data $(DATA)/$(1) --lang $(DATA)/lang --out $(EXP)/gmm/ali_$(1)
$(EXP)/gmm/ali_%/phones.txt: $(EXP)/gmm/model.npz $(DATA)/%/feats.scp \
		$$(call changed,$$(call align_opts,$$*),$(EXP)/gmm/ali_$$*/phones.txt)
	$(PY) -m stages.align --jobs $(NJ) $(call align_opts,$*)

pron_probs_opts = --ali $(EXP)/gmm/ali_train --lang $(DATA)/lang --out $(EXP)/lang_pp
$(EXP)/lang_pp/lang.json: $(EXP)/gmm/ali_train/phones.txt $(call changed,$(pron_probs_opts),$(EXP)/lang_pp/lang.json)
	$(PY) -m stages.pron_probs $(pron_probs_opts)

# What a system ($(1)) searches with: the probabilities are the decoder's, so what trains stays as it is.
ifneq ($(filter-out yes no,$(PRON_PROBS)),)
$(error PRON_PROBS=$(PRON_PROBS): write yes or no)
endif
counted = $(if $(filter yes,$(PRON_PROBS)),$(filter wfst,$(search_$(1))))
search_lang = $(if $(counted),$(EXP)/lang_pp,$(DATA)/lang)

# Whether hand-placed phones, where a corpus has them, teach: frame labels, and how far boundaries are off.
ifneq ($(filter-out yes no,$(GOLD)),)
$(error GOLD=$(GOLD): write yes or no)
endif
frames_opts = --data $(DATA)/train --dev $(DATA)/dev --gmm $(EXP)/gmm --lang $(DATA)/lang --out $(EXP)/frames \
	$(if $(filter no,$(GOLD)),--labels gmm) $(FRAMES_ARGS)
$(EXP)/frames/model.npz: $(EXP)/gmm/ali_train/phones.txt $(EXP)/gmm/ali_dev/phones.txt \
		$(call changed,$(frames_opts),$(EXP)/frames/model.npz)
	$(PY) -m stages.train_frames --jobs $(NJ) $(frames_opts)

neural_opts = --data $(DATA)/train --dev $(DATA)/dev --lang $(DATA)/lang --out $(EXP)/neural $(NEURAL_ARGS)
$(EXP)/neural/model.safetensors: $(DATA)/train/feats.scp $(DATA)/dev/feats.scp $(DATA)/lang/lang.json \
		$(call changed,$(neural_opts),$(EXP)/neural/model.safetensors)
	$(PY) -m stages.train_neural --jobs $(NJ) $(neural_opts)

# Each system: which model it searches with, and how.
model_gmm         := gmm/model.npz
model_frames      := frames/model.npz
model_neural      := neural/model.safetensors
model_neural_wfst := neural/model.safetensors
search_gmm         := wfst
search_frames      := wfst
search_neural      := flashlight
search_neural_wfst := wfst

known_systems := gmm frames neural neural_wfst
model_dir = $(EXP)/$(if $(filter $(1),$(known_systems)),$(patsubst %/,%,$(dir $(model_$(1)))),$(1))

# Tuning, decoding and scoring of system $(1) in EXP/$(2), with lang directory $(3) and further options $(4) of the decode.
define searches
tune_$(2) = --model $(call model_dir,$(1)) --search $(search_$(1)) --data $(DATA)/dev --lang $(3) \
	--ref-phones $(EXP)/gmm/ali_dev/reference.txt --out $(EXP)/$(2) $$(TUNE_ARGS)
$(EXP)/$(2)/tuning.json: $(EXP)/$(model_$(1)) $(DATA)/dev/feats.scp $(EXP)/gmm/ali_dev/phones.txt $(3)/lang.json \
		$$(call changed,$$(tune_$(2)),$(EXP)/$(2)/tuning.json)
	$$(PY) -m stages.tune --jobs $(NJ) $$(tune_$(2))

decode_$(2) = --model $(call model_dir,$(1)) --search $(search_$(1)) --tuning $(EXP)/$(2)/tuning.json \
	--data $(DATA)/test --lang $(3) --out $(EXP)/$(2)/decode_test $(4) $$(DECODE_ARGS)
$(EXP)/$(2)/decode_test/hyp.txt: $(EXP)/$(2)/tuning.json $(DATA)/test/feats.scp \
		$$(call changed,$$(decode_$(2)),$(EXP)/$(2)/decode_test/hyp.txt)
	$$(PY) -m stages.decode --jobs $(NJ) $$(decode_$(2))

score_$(2) = --decode $(EXP)/$(2)/decode_test --data $(DATA)/test --ref-phones $(EXP)/gmm/ali_test/reference.txt
$(EXP)/$(2)/decode_test/wer.txt: $(EXP)/$(2)/decode_test/hyp.txt $(EXP)/gmm/ali_test/phones.txt \
		$$(call changed,$$(score_$(2)),$(EXP)/$(2)/decode_test/wer.txt)
	$$(PY) -m stages.score $$(score_$(2))
endef

# The same without grammar: any word, or any phone, after any other. Only the best path is wanted.
flat_opts = --lang $(DATA)/lang --out $(EXP)/lang_flat
$(EXP)/lang_flat/lang.json: $(DATA)/lang/lang.json $(call changed,$(flat_opts),$(EXP)/lang_flat/lang.json)
	$(PY) -m stages.flat_lang $(flat_opts)

define system
$(call searches,$(1),$(1),$(search_lang),)
$(call searches,$(1),flat/$(1),$(EXP)/lang_flat,--lattice-beam 0.1)

errors_$(1) = --decode $(EXP)/$(1)/decode_test --model $(call model_dir,$(1)) \
	--tuning $(EXP)/$(1)/tuning.json --data $(DATA)/test --lang $(search_lang) --ali $(EXP)/gmm/ali_test
$(EXP)/$(1)/decode_test/errors.json: $(EXP)/$(1)/decode_test/hyp.txt $(EXP)/gmm/ali_test/phones.txt \
		$$(call changed,$$(errors_$(1)),$(EXP)/$(1)/decode_test/errors.json)
	$$(PY) -m stages.explain_errors --jobs $(NJ) $$(errors_$(1))
endef
unknown_systems := $(filter-out $(known_systems),$(SYSTEMS))
$(if $(unknown_systems),$(error SYSTEMS: "$(unknown_systems)" unknown; there are: $(known_systems)))
$(foreach s,$(known_systems),$(eval $(call system,$(s))))

pp := $(EXP)/pron_probs
pp_tune = --model $(EXP)/gmm --data $(DATA)/dev --lang $(if $(filter with,$(1)),$(EXP)/lang_pp,$(DATA)/lang) \
	--ref-phones $(EXP)/gmm/ali_dev/reference.txt --out $(pp)/$(1) $(TUNE_ARGS)
$(pp)/%/tuning.json: $(EXP)/gmm/model.npz $(DATA)/dev/feats.scp $(EXP)/gmm/ali_dev/phones.txt $(EXP)/lang_pp/lang.json \
		$$(call changed,$$(call pp_tune,$$*),$(pp)/$$*/tuning.json)
	$(PY) -m stages.tune --jobs $(NJ) $(call pp_tune,$*)

pp_opts = --model $(EXP)/gmm --data $(DATA)/dev --langs $(DATA)/lang $(EXP)/lang_pp --out $(pp)
$(pp)/dev.txt: $(pp)/without/tuning.json $(pp)/with/tuning.json $(call changed,$(pp_opts),$(pp)/dev.txt)
	$(PY) -m stages.show_pron_probs $(pp_opts)

# Where the words of the test set are, by each system; the network twice, with the label prior and without. The GMM's waits
# for `align`, since one stage alone writes into a folder at a time.
define aligner
place_$(1) = --model $(EXP)/$(patsubst %_raw,%,$(1)) $(if $(filter %_raw,$(1)),--raw) --data $(DATA)/test --lang $(DATA)/lang \
	$(if $(filter yes,$(GOLD)),--teacher $(DATA)/train) --out $(EXP)/$(1)/ali_test
$(EXP)/$(1)/ali_test/alignment.json: $(EXP)/$(model_$(patsubst %_raw,%,$(1))) $(DATA)/test/feats.scp \
		$(if $(filter gmm,$(1)),$(EXP)/gmm/ali_test/phones.txt) $$(call changed,$$(place_$(1)),$(EXP)/$(1)/ali_test/alignment.json)
	$$(PY) -m stages.place --jobs $(NJ) $$(place_$(1))
endef
$(foreach a,gmm frames neural neural_raw,$(eval $(call aligner,$(a))))
aligners := gmm $(filter frames,$(SYSTEMS)) $(if $(filter neural%,$(SYSTEMS)),neural neural_raw)
alignments := $(patsubst %,$(EXP)/%/ali_test/alignment.json,$(aligners))

boundaries_opts = --exp $(EXP) --data $(DATA) --aligners $(aligners) --systems $(SYSTEMS) --out $(EXP)/boundaries.tsv
$(EXP)/boundaries.tsv: $(alignments) $(patsubst %,$(EXP)/%/decode_test/hyp.txt,$(SYSTEMS)) \
		$(call changed,$(boundaries_opts),$(EXP)/boundaries.tsv)
	$(PY) -m stages.boundaries $(boundaries_opts)

scores := $(patsubst %,$(EXP)/%/decode_test/wer.txt,$(SYSTEMS))
compare_opts = --exp $(EXP) --data $(DATA) --systems $(SYSTEMS) --out $(EXP)/compare.tsv
$(EXP)/compare.tsv: $(scores) $(EXP)/boundaries.tsv $(call changed,$(compare_opts),$(EXP)/compare.tsv)
	$(PY) -m stages.compare $(compare_opts)

report_opts = --exp $(EXP) --data $(DATA) --systems $(SYSTEMS) --out $(EXP)/report $(if $(UTT),--utt $(call quoted,UTT)) $(REPORT_ARGS)
pair_differs = $(if $(filter-out $(SYSTEMS),$(PAIR)),,$(EXP)/lattice_difference.txt)
$(EXP)/report/index.html: $(scores) $(EXP)/boundaries.tsv $(explained) $(pair_differs) $(call changed,$(report_opts),$(EXP)/report/index.html)
	$(PY) -m stages.report $(report_opts)

# What only one of the two systems of PAIR considered, of all that their free phone searches did.
pair_opts = --exp $(EXP) --data $(DATA) --systems $(PAIR) --out $(EXP)/lattice_difference.txt
$(EXP)/lattice_difference.txt: $(patsubst %,$(EXP)/%/decode_test/hyp.txt,$(PAIR)) $(EXP)/gmm/ali_test/phones.txt \
		$(call changed,$(pair_opts),$(EXP)/lattice_difference.txt)
	$(PY) -m stages.lattice_difference $(pair_opts)

matrix_opts = --exp $(EXP) --data $(DATA) --systems $(SYSTEMS) --out $(EXP)/matrix.tsv
$(EXP)/matrix.tsv: $(scores) $(patsubst %,$(EXP)/flat/%/decode_test/wer.txt,$(SYSTEMS)) $(call changed,$(matrix_opts),$(EXP)/matrix.tsv)
	$(PY) -m stages.matrix $(matrix_opts)

##@ Look inside
lattice_difference: $(EXP)/lattice_difference.txt  ## phones that only one of the two systems of PAIR considered, by class

# What must be there of system $(1) to look inside: file $(2), which a stage makes or, for a model of one's own, is there.
inside = $(if $(filter $(known_systems),$(1))$(wildcard $(EXP)/$(1)/$(2)),$(EXP)/$(1)/$(2),$(error \
  MODEL=$(1): no such system, and no $(EXP)/$(1)/$(2); there are: $(known_systems)))

lattice_text: $$(call inside,$$(MODEL),decode_test/hyp.txt)  ## lattices of MODEL (GRAPH=free, words or word_arcs) as text for Kaldi's and OpenFst's tools
	@$(PY) -m stages.export_lattices --lattices $(EXP)/$(MODEL)/decode_test/lattices/$(GRAPH) --out $(EXP)/lattices/$(MODEL).$(GRAPH)

$(if $(filter-out phone word,$(LEVEL)),$(error LEVEL=$(LEVEL): write phone or word))
lattice_opts = --exp $(EXP) --data $(DATA) --model $(MODEL) $(if $(MODEL2),--model2 $(MODEL2)) \
	--graph $(if $(filter word,$(LEVEL)),word_arcs,$(GRAPH)) --min-posterior $(MIN_POSTERIOR) $(if $(BEAM),--beam $(BEAM))
lattice: $$(foreach m,$$(MODEL) $$(MODEL2),$$(call inside,$$m,decode_test/hyp.txt))  ## what MODEL considered in UTT, phone by phone or by word (LEVEL); beside it MODEL2
	@$(PY) -m stages.show_lattice $(lattice_opts) --utt $(call quoted,UTT)

# What must be there before a stage can be shown, and whose results are: those of MODEL if it is given, else of SYSTEMS.
chosen := $(if $(filter file,$(origin MODEL)),$(SYSTEMS),$(MODEL))
aligned := $(patsubst %,$(DATA)/%/feats.scp,test dev train) $(EXP)/gmm/model.npz $(patsubst %,$(EXP)/gmm/ali_%/phones.txt,test dev train)
show_data    := $(DATA)/splits.json
show_lexicon := $(DATA)/lang/lang.json
show_mfcc    := $(patsubst %,$(DATA)/%/feats.scp,test dev train)
show_gmm     := $(aligned)
show_frames  := $(aligned) $(EXP)/frames/model.npz
show_neural  := $(aligned) $(EXP)/neural/model.safetensors
show_align   := $(aligned) $(patsubst %,$(EXP)/%/ali_test/alignment.json,$(filter $(aligners),$(if $(filter file,$(origin MODEL)),$(aligners),$(MODEL))))
show_lattice  = $(call inside,$(MODEL),decode_test/hyp.txt)
show_decode  := $(patsubst %,$(EXP)/%/decode_test/hyp.txt,$(filter $(known_systems),$(chosen)))
show_score   := $(patsubst %,$(EXP)/%/decode_test/wer.txt,$(filter $(known_systems),$(chosen)))
shown := data lexicon mfcc gmm frames neural align decode lattice score
show_stage = $(PY) -m stages.show --stage $(1) --utt $(call quoted,UTT) --exp $(EXP) --data $(DATA) \
	--lang $(call search_lang,$(firstword $(chosen))) --systems $(chosen)
show: $(if $(filter $(shown),$(STAGE)),$(show_$(STAGE))) | $(VENV)/.phonoscope  ## what goes in and out of STAGE for utterance UTT; without STAGE: which there are
	@$(call show_stage,$(call quoted,STAGE))

replay_opts = --exp $(EXP) --data $(DATA) --lang $(call search_lang,$(MODEL)) --system $(MODEL) $(call model_dir,$(MODEL)) \
	--graph $(if $(filter file,$(origin GRAPH)),words,$(GRAPH))
replay: $$(call inside,$$(MODEL),tuning.json) $(DATA)/test/feats.scp  ## what MODEL's beam held, frame by frame, in utterance UTT, and where the language model overruled the sound
	@$(PY) -m stages.replay --utt $(call quoted,UTT) $(replay_opts)

check: | $(VENV)/.phonoscope              ## every line and file of data directory DIR, all faults listed; FIX=yes mends them
	@$(PY) -m stages.check $(if $(filter yes,$(FIX)),--fix) "$(DIR)"

##@ Your own audio

transcribe_opts = --exp $(EXP) $(foreach s,$(SYSTEMS),--system $(s) $(call model_dir,$(s)) $(call search_lang,$(s)))
transcribe: | $(VENV)/.phonoscope         ## words and phones of recording WAV from each of SYSTEMS that is trained
	@$(PY) -m stages.transcribe --wav $(call quoted,WAV) $(transcribe_opts)

align_text_opts = --exp $(EXP) --lang $(DATA)/lang --system $(MODEL) $(call model_dir,$(MODEL))
align: $(if $(UTT),$(show_align)) | $(VENV)/.phonoscope  ## where in WAV each word of TEXT (or of the file TEXTFILE) is; or in utterance UTT
	$(if $(and $(UTT),$(value WAV)),$(error UTT is an utterance of the corpus and WAV a recording of your own; give one of them))
	@$(if $(UTT),$(call show_stage,align),$(PY) -m stages.align_text --wav $(call quoted,WAV) --text $(call quoted,TEXT) \
	  --text-file $(call quoted,TEXTFILE) $(align_text_opts))

record: | $(VENV)/.phonoscope             ## record SECONDS from the microphone, then transcribe, and align TEXT if it is given
	@wav=$(EXP)/own/$$(date +%Y%m%d-%H%M%S).wav; \
	$(PY) -m stages.record --seconds $(SECONDS) --out "$$wav" && $(PY) -m stages.transcribe --wav "$$wav" $(transcribe_opts) \
	$(if $(value TEXT)$(value TEXTFILE),&& $(PY) -m stages.align_text --wav "$$wav" --text $(call quoted,TEXT) \
	  --text-file $(call quoted,TEXTFILE) $(align_text_opts))

##@ Housekeeping
setup: $(VENV)/.phonoscope                ## make the virtual environment and install what is needed (about 5 GB)

# The first Python that fits; torchaudio and flashlight-text have wheels for these only.
python = $(firstword $(foreach p,python3.11 python3.12 python3,$(shell $(p) -c \
	'import sys, venv, ensurepip; 0 < sys.version_info[1] - 10 < 3 and print("$(p)")' 2>/dev/null)))
$(VENV)/bin/python:
	@test -n "$(python)" || { echo "No Python 3.11 or 3.12 with venv found; Debian and Ubuntu: sudo apt-get install python3-venv" >&2; exit 1; }
	$(python) -m venv $(VENV)

$(VENV)/.phonoscope: pyproject.toml | $(VENV)/bin/python
	$(PY) -m pip install --quiet --disable-pip-version-check -e ".[g2p]"
	@touch $@

$(VENV)/.phonoscope-test: $(VENV)/.phonoscope
	$(PY) -m pip install --quiet --disable-pip-version-check -e ".[g2p,test]"
	@touch $@

test: $(VENV)/.phonoscope-test            ## run the tests (a browser is needed: apt-get install chromium)
	$(PY) -m pytest -n $(NJ) --dist loadfile tests

clean:                                    ## delete exp/CORPUS and data/CORPUS (what was fetched is kept)
	rm -rf $(EXP) $(DATA) $(dir $(DATA)).$(notdir $(DATA)).lock

help:                                     ## show this
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z_-]+:.*## / {printf "  %-18s %s\n", substr($$1, 1, index($$1 ":", ":") - 1), $$2}' Makefile
	@echo; echo "Settings (make gmm CORPUS=fsdd SPLIT=speaker GMM_ARGS=\"--max-mix 4\"):"
	@printf '  %-13s = %s\n' CORPUS '$(CORPUS)' CORPUS_DIR '$(from)' SPLIT '$(SPLIT)' VOCAB '$(VOCAB)' OOV '$(OOV)' \
	  LEXICON '$(LEXICON)' PHONES '$(PHONES)' PRON_PROBS '$(PRON_PROBS)' GOLD '$(GOLD)' \
	  SYSTEMS '$(SYSTEMS)' DOWNLOADS '$(DOWNLOADS)' DIR '$(DIR)' FIX '$(FIX)' \
	  UTT $(call quoted,UTT) STAGE $(call quoted,STAGE) MODEL '$(MODEL)' MODEL2 '$(MODEL2)' GRAPH '$(GRAPH)' LEVEL '$(LEVEL)' \
	  MIN_POSTERIOR '$(MIN_POSTERIOR)' BEAM '$(BEAM)' \
	  WAV $(call quoted,WAV) TEXT $(call quoted,TEXT) TEXTFILE $(call quoted,TEXTFILE) SECONDS '$(SECONDS)' NJ '$(NJ)' DATA '$(DATA)' EXP '$(EXP)' \
	  LANG_ARGS '$(LANG_ARGS)' MFCC_ARGS '$(MFCC_ARGS)' GMM_ARGS '$(GMM_ARGS)' FRAMES_ARGS '$(FRAMES_ARGS)' NEURAL_ARGS '$(NEURAL_ARGS)' TUNE_ARGS '$(TUNE_ARGS)' \
	  DECODE_ARGS '$(DECODE_ARGS)' REPORT_ARGS '$(REPORT_ARGS)'
	@echo "What a stage takes: $(PY) -m stages.train_gmm --help"

# Settings, and how what a person gives reaches a stage: as text, which neither make nor the shell ever expands.
#
# They come from the command line, from PHONOSCOPE_NAME in the environment, from stages/conf/CORPUS.mk, or from here. No
# other variable of the environment counts: DATA=/mnt/x may be there for another program.

empty :=
comma := ,
space := $(empty) $(empty)
tab := $(empty)	$(empty)
define newline


endef

# The systems, one line each: name, kind (pipeline/systems/KIND.py; =NAME for another search with the model of NAME),
# the system whose alignment labels its frames (- for none), search for words, and the raw features that its front end
# begins with: mfcc, fbank, or a layer of an encoder from outside, as whisper-base.block6. ENCODER stands for that of
# the setting, and best for the layer of those that make encode writes which is best on dev.
define systems
gmm              gmm         -    wfst        mfcc
classifier       classifier  gmm  wfst        mfcc
tri              tri         gmm  wfst        mfcc
lda              lda         tri  wfst        mfcc
sat              sat         lda  wfst        mfcc
classifier_sat   classifier  sat  wfst        mfcc
dnn              dnn         sat  wfst        mfcc
neural           ctc         -    flashlight  mfcc
neural_wfst      =neural     -    wfst        mfcc
letters          letters     -    wfst        mfcc
las              las         -    letters     mfcc
rnnt             rnnt        -    letters     mfcc
whisper_phones   layer_ctc   -    wfst        ENCODER.best
whisper_probe    layer_probe -    wfst        ENCODER.best
fine             fine        -    wfst        ENCODER.best
wav2vec2_phones  layer_ctc   -    wfst        wav2vec2-base.best
endef
rows        = $(if $(1),$(subst $(space),/,$(wordlist 1,5,$(1))) $(call rows,$(wordlist 6,999,$(1))))
system_rows   := $(call rows,$(subst $(newline), ,$(systems)))
known_systems := $(foreach r,$(system_rows),$(firstword $(subst /, ,$(r))))
column      = $(word $(2),$(subst /, ,$(filter $(1)/%,$(system_rows))))
trained     := $(foreach s,$(known_systems),$(if $(filter =%,$(call column,$(s),2)),,$(s)))
letters     := a/A b/B c/C d/D e/E f/F g/G h/H i/I j/J k/K l/L m/M n/N o/O p/P q/Q r/R s/S t/T u/U v/V w/W x/X y/Y z/Z
pair_of     = $(subst /, ,$(firstword $(1)))
swapped     = $(if $(1),$(call swapped,$(wordlist 2,99,$(1)),$(subst \
  $(firstword $(pair_of)),$(lastword $(pair_of)),$(2))),$(2))
capitals    = $(call swapped,$(letters),$(1))
args_of     := $(foreach s,$(trained),$(call capitals,$(s))_ARGS)

settings := CORPUS CORPUS_DIR SPLIT VOCAB OOV LEXICON PHONES PRON_PROBS LM GOLD ALLOW_SHORT SYSTEMS REFERENCE \
  DOWNLOADS UTT STAGE ENCODER MODELS LAYERS MODEL MODEL2 GRAPH PAIR COMBINE LISTEN PHONE LEVEL MIN_POSTERIOR BEAM WAV \
  TEXT TEXTFILE SECONDS SEEDS PAGE NJ JOBS ADDRESS DATA EXP DIR FIX VENV DATA_ARGS MFCC_ARGS LANG_ARGS $(args_of) \
  ENCODE_ARGS LAYERS_ARGS TUNE_ARGS DECODE_ARGS NEURAL_LM_ARGS RESCORE_ARGS SWEEP_ARGS LISTEN_ARGS ABLATION_ARGS \
  RATES_ARGS REPORT_ARGS KALDI_EXP KALDI_ARGS

# `override X := $(value X)` takes a value as it is written. make itself would expand it wherever it is used, and where
# it hands it on to the environment of a stage.
given = $(filter command,$(firstword $(origin $(1))))
in_environment = $(filter environment,$(firstword $(origin PHONOSCOPE_$(1))))
$(foreach s,$(settings),$(if $(call given,$(s)),$(eval override $(s) := $$(value $(s))),\
  $(if $(call in_environment,$(s)),$(eval override $(s) := $$(value PHONOSCOPE_$(s))))))

CORPUS_DIR    :=
SPLIT         :=
VOCAB         := closed
OOV           := g2p
LEXICON       :=
PHONES        :=
PRON_PROBS    := no
LM            :=
GOLD          := yes
ALLOW_SHORT   := no
SYSTEMS       := gmm classifier neural neural_wfst
REFERENCE     := gmm
DOWNLOADS     :=
UTT           :=
STAGE         :=
ENCODER       := whisper-base
MODELS        :=
LAYERS        :=
MODEL         := gmm
MODEL2        :=
GRAPH         := free
PAIR          := gmm neural
COMBINE       := gmm classifier neural_wfst
LISTEN        := gmm neural
PHONE         := AE
LEVEL         := phone
MIN_POSTERIOR := 0.01
BEAM          :=
WAV           :=
TEXT          :=
TEXTFILE      :=
SECONDS       := 10
SEEDS         := 5
PAGE          := no
DIR           :=
KALDI_EXP     :=
FIX           :=
JOBS          := here
ADDRESS       :=
VENV          := .venv
$(foreach s,$(filter %_ARGS,$(settings)),$(eval $(s) :=))
NJ := $(shell env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 1)

# A path begins with ~ for home, and has no line breaks.
home = $(subst $(newline),,$(subst $(newline)~/,$(value HOME)/,$(newline)$(1)))
refuse = $(error $(1)=$($(1)): $(2))
$(foreach s,CORPUS_DIR LEXICON PHONES LM DOWNLOADS MODELS DIR,$(if $(findstring $(newline),$($(s))),\
  $(call refuse,$(s),a line break in a path; rename it)))
$(foreach s,CORPUS_DIR LEXICON PHONES LM DOWNLOADS MODELS,$(eval override $(s) := $$(call home,$$($(s)))))

# A folder of one's own names its corpus; signs that a name of a target cannot have become "_".
odd_in_shell := ! " \# $$ & ' ( ) * ; < > ? [ \ ] ^ ` { | } ~
odd_in_path  := $(odd_in_shell) % , : = @ +
odd_in_name  := $(odd_in_path) /
tidy     = $(if $(1),$(call tidy,$(wordlist 2,99,$(1)),$(subst $(firstword $(1)),_,$(2))),$(2))
one_word = $(subst $(space),_,$(subst $(tab),_,$(subst $(newline),_,$(1))))
named_by = $(patsubst .%,_%,$(patsubst -%,_%,$(call tidy,$(odd_in_name),$(notdir $(abspath $(call one_word,$(1)))))))
CORPUS := $(if $(CORPUS_DIR),$(call named_by,$(CORPUS_DIR)),prompts)
DATA   := data/$(CORPUS)
EXP    := exp/$(CORPUS)

# What becomes part of a target's name is checked, for make and the shell take such names apart.
white   = $(findstring $(space),$(1))$(findstring $(tab),$(1))$(findstring $(newline),$(1))
odd     = $(strip $(foreach c,$(2),$(findstring $(c),$(1))) $(if $(call white,$(1)),space))
no_name = $(call odd,$(1),$(odd_in_name))$(filter .% -%,$(1))$(if $(1),,empty)
no_path = $(call odd,$(1),$(odd_in_path))$(filter . .. / -%,$(1))$(if $(1),,empty)
# Of a name that is neither empty nor odd: whether it holds bytes that no writing has.
without  = $(if $(1),$(call without,$(wordlist 2,99,$(1)),$(subst $(firstword $(1)),,$(2))),$(2))
digits  := 0 1 2 3 4 5 6 7 8 9
beyond_ascii = $(call without,$(subst /, ,$(letters)) $(digits) - _ . /,$(1))
no_utf_8 = $(if $(call beyond_ascii,$(1)),$(shell printf %s '$(1)' | iconv -f UTF-8 >/dev/null 2>&1 || echo bytes))
signs  := letters, digits, "-", "_" and "."
$(if $(or $(call no_name,$(CORPUS)),$(call no_utf_8,$(CORPUS))),$(call refuse,CORPUS,a corpus is named with $(signs); \
  give one$(if $(CORPUS_DIR), to what is in CORPUS_DIR): CORPUS=name))
override DIR := $(if $(DIR),$(call home,$(DIR)),$(DATA))
-include stages/conf/$(CORPUS).mk
$(foreach s,DATA EXP VENV,$(if $(or $(call no_path,$($(s))),$(call no_utf_8,$($(s)))),\
  $(call refuse,$(s),give a folder named with $(signs))))
$(if $(filter $(DATA) $(EXP),$(VENV)),$(call refuse,VENV,DATA or EXP is the same; give each a folder of its own))
$(foreach s,MODEL LEVEL,$(if $(call no_name,$($(s))),$(call refuse,$(s),write a name of $(signs))))
$(if $(call no_name,$(subst :,-,$(ENCODER))),\
  $(call refuse,ENCODER,write the name of a model; for a control with :random or :shuffled))
$(if $(MODEL2),$(if $(call no_name,$(MODEL2)),$(call refuse,MODEL2,write a name of $(signs))))
$(foreach s,SYSTEMS PAIR COMBINE LISTEN,$(if $(strip $($(s))),,$(call refuse,$(s),name at least one system))\
  $(foreach w,$($(s)),$(if $(call no_name,$(w)),$(call refuse,$(s),write names with spaces between them))))
$(if $(filter-out 1,$(words $(REFERENCE)))$(filter-out $(trained),$(REFERENCE)),\
  $(call refuse,REFERENCE,write one of $(trained)))
override KALDI_EXP := $(foreach d,$(subst $(newline), ,$(KALDI_EXP)),$(patsubst %/,%,$(call home,$(d))))
$(foreach d,$(KALDI_EXP),$(if $(or $(call no_path,$(d)),$(call no_utf_8,$(d))),\
  $(call refuse,KALDI_EXP,give folders named with $(signs), spaces between them)))
$(foreach s,PRON_PROBS GOLD ALLOW_SHORT PAGE,$(if $(filter yes no,$($(s))),,$(call refuse,$(s),write yes or no)))
$(if $(filter-out 1,$(words $(JOBS)))$(filter-out here dask,$(JOBS)),\
  $(call refuse,JOBS,write here or dask; how many processes may run here at once: NJ))
at_host = $(patsubst tls://%,%,$(patsubst tcp://%,%,$(ADDRESS)))
$(if $(filter dask,$(JOBS)),$(if $(or $(filter $(at_host),$(ADDRESS)),$(call no_name,$(subst :,-,$(at_host)))),\
  $(call refuse,ADDRESS,name a scheduler of dask: tcp://HOST:8786)))
$(if $(call without,$(digits),$(SEEDS))$(if $(call without,0,$(SEEDS)),,none),\
  $(call refuse,SEEDS,write how many seeds))
$(if $(call without,$(digits),$(NJ))$(if $(call without,0,$(NJ)),,none),\
  $(call refuse,NJ,write how many processes may run at once))

# A word as bash takes it: as it is, or in $'...' where line breaks can be written too. stages/common.py quotes alike.
escaped  = $(subst $(newline),\n,$(subst $(tab),\t,$(subst ',\',$(subst \,\\,$(1)))))
quoted   = $(if $(call odd,$(1),$(odd_in_shell))$(if $(1),,empty),$$'$(escaped)',$(1))
# The words of an ..._ARGS setting.
words_of = $(foreach w,$($(1)),$(call quoted,$(w)))

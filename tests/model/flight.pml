/*
 * The flight inside one process: requests that wait, the workers, the clock, closing, sign-out and sign-in, and another process that has
 * the turn now and then.
 *
 * One atomic step is one critical section of the identity's lock. A waiter sleeps until the condition variable is signalled or its deadline
 * is over, and then looks at the state for itself. Request 0 has no deadline, request 1 has one that may pass at any moment.
 *
 * REVOKES: how often the API stops accepting the current token. FAILS: grants that fail. OTHERS: rotations by the other process. STOPS: the other
 * process is stopped while it has the turn. CLOSES: request 0's session is closed. SWITCHES: a sign-out, and a sign-in as another.
 * TIMERS: proactive refreshes. M_...: mutants; see check.sh.
 */
#ifndef REVOKES
#define REVOKES 2
#endif
#ifndef FAILS
#define FAILS 1
#endif
#ifndef OTHERS
#define OTHERS 1
#endif
#ifndef STOPS
#define STOPS 0
#endif
#ifndef CLOSES
#define CLOSES 0
#endif
#ifndef SWITCHES
#define SWITCHES 0
#endif
#ifndef TIMERS
#define TIMERS 1
#endif
#ifndef WORKERS
#define WORKERS 2
#endif

/* how a request ends */
#define OKAY 1
#define STILL_401 2
#define ERROR 3
#define OVER 4   /* its sign-in is */
#define LATE 5   /* its deadline is */
#define CLOSED 6

/* memory: sign-in, generation; sign-in 0: nobody */
byte sign_in = 1, gen = 3;
byte wanted_gen = 0, wanted_attempt = 0, begun = 0, attempt = 0, failed = 0;
bool flying = false, refusing = false;   /* R8: the last error is the answer */
bool timer_due = false;
byte job = 0;                            /* 1: the sign-out's, 2: the sign-in's */
bool closing = false;
/* the record, and the turn: 0 free, 1 ours, 2 the other process's */
byte r_sign_in = 1, r_gen = 3, turn = 0;
bool halted = false;                     /* the other process, with the turn */
byte knocks = 0;                         /* how often it was found so */
/* the refresher's task, and somebody else's */
bool task_due = false, task_pause = false, task_runs = false, errand = false;
byte errands = 1;
/* waiters */
bool waiting[2], woken[2];
byte outcome[2];

byte accepted[3];                        /* the API accepts this generation and later ones */
byte revokes = REVOKES, fails = FAILS, others = OTHERS, stops = STOPS, closes = CLOSES, switches = SWITCHES, timers = TIMERS;

/* ghosts */
byte flights = 0;                        /* at work on a flight of this identity */
byte refused[3];                         /* the newest generation that a request saw refused */
bool cut = false;                        /* somebody ended a flight that was not his */

inline wake_all() { woken[0] = true; woken[1] = true }

/* ------------------------------------------------------------------ ti_obtain() and the request around it */

proctype Request(byte i) {
  byte mine, token, join, sends = 0;

  atomic { mine = sign_in; token = gen; if :: sign_in == 0 -> outcome[i] = OVER; goto done :: else fi };
send:
  sends++;
  if
  :: atomic { token >= accepted[mine] -> outcome[i] = OKAY; goto done }
  :: atomic { token < accepted[mine] -> if :: refused[mine] < token -> refused[mine] = token :: else fi }
  fi;
  atomic { /* enter_locked */
    if :: sends == 3 -> outcome[i] = STILL_401; goto done :: else fi;
#ifdef M_JOINOLD
    join = attempt
#else
    join = (flying -> attempt : attempt + 1)
#endif
    };
look:
  atomic {
    waiting[i] = false;
    if
    :: closing && i == 0 -> outcome[i] = CLOSED; goto done
#ifdef M_REPLAY
    :: !(closing && i == 0) && sign_in != mine && sign_in != 0 -> mine = mine; token = gen; assert(mine == sign_in); goto send
    :: !(closing && i == 0) && sign_in == 0 -> outcome[i] = OVER; goto done
#else
    :: !(closing && i == 0) && sign_in != mine -> outcome[i] = OVER; goto done          /* R16 */
#endif
    :: !(closing && i == 0) && sign_in == mine ->
       if
#ifdef M_R3
       :: gen > token && begun >= join -> token = gen; goto send
       :: gen > token && begun < join -> skip                                              /* asks for a refresh all the same */
#else
       :: gen > token -> token = gen; goto send                                            /* R3: no refresh for an older one */
#endif
       :: gen <= token && failed >= join -> outcome[i] = ERROR; goto done
       :: gen <= token && failed < join ->
          if :: !flying && refusing -> outcome[i] = ERROR; goto done :: else fi
       fi
    fi;
    /* want_locked */
    if
    :: flying && join <= attempt -> skip
    :: else ->
       if :: !flying && join <= begun -> join = attempt + 1 :: else fi;
       if :: wanted_gen <= token -> wanted_gen = token + 1 :: else fi;
       if :: wanted_attempt < join -> wanted_attempt = join :: else fi
    fi;
#ifdef M_LOSTSCHEDULE
    if :: !flying && !task_runs -> task_due = true :: else fi;
#else
    if :: !flying -> task_due = true :: else fi;
#endif
    waiting[i] = true; woken[i] = false };
  if
  :: atomic { woken[i] -> goto look }
  :: atomic { i == 1 -> waiting[i] = false; outcome[i] = LATE;
#ifdef M_CANCEL
       cut = flying; flying = false;
#endif
       goto done }
  fi;
done:
  skip
}

/* ------------------------------------------------------------------ a thread of the refresher, and what it does for an identity (work.c) */

#ifdef M_NOPATIENCE
#define PATIENCE 255
#else
#define PATIENCE 2
#endif
#define DEMANDED (wanted_gen > gen || wanted_attempt > begun)

proctype Worker() {
  byte fs, fg, fw; bool forced;
end:
  do
  :: atomic { errand -> errand = false }
#ifdef M_TWOWORKERS
  :: atomic { !errand && task_due && !task_pause -> task_runs = true; task_due = false; goto steps }
#else
  :: atomic { !errand && task_due && !task_pause && !task_runs -> task_runs = true; task_due = false; goto steps }
#endif
  od;

steps: /* next_step_locked */
  atomic {
    if
    :: job == 0 && (sign_in == 0 || !(DEMANDED || timer_due)) -> timer_due = false; goto nothing
    :: else
    fi;
    if
    :: turn == 1 -> goto step
    :: turn == 0 -> turn = 1; goto steps /* memory may be another now: look again */
#ifdef M_WAITLOCK
    :: turn == 2 -> skip
#else
    :: turn == 2 && knocks < PATIENCE -> /* ti_turn_take_locked: busy; back into the heap */
       if :: halted && knocks < 2 -> knocks++ :: else fi;
       task_due = true; task_pause = true; task_runs = false; goto end
    :: turn == 2 && knocks == PATIENCE && job == 0 -> /* is_out_of_patience_locked */
       attempt++; begun = attempt; failed = attempt; refusing = true; timer_due = false; wanted_gen = 0; wanted_attempt = 0;
       knocks = 0; wake_all(); goto nothing
#endif
    fi };
#ifdef M_WAITLOCK
  atomic { turn != 2 -> goto steps };
#endif

step:
  atomic { /* ti_flight_begin_locked, or a job */
    if
    :: job == 1 -> if :: r_sign_in == 1 -> r_sign_in = 0; r_gen = 0 :: else fi; job = 0; goto steps
    :: job == 2 -> r_sign_in = 2; r_gen = 1; sign_in = 2; gen = 1; job = 0; wanted_gen = 0; wanted_attempt = 0; refusing = false; attempt++; begun = attempt; wake_all(); goto steps
    :: job == 0 && (sign_in == 0 || !(DEMANDED || timer_due)) -> goto steps
    :: else ->
       assert(flights == 0);                                                               /* R1 */
       flights++; flying = true; attempt++; begun = attempt; fs = sign_in; fw = wanted_gen;
       forced = !timer_due; timer_due = false
    fi };
  atomic { /* load and adopt */
    fg = gen;
    if
    :: sign_in != fs -> goto ending
    :: sign_in == fs && r_sign_in == fs && r_gen > gen ->
       fg = r_gen; gen = r_gen;
       if :: fg >= fw -> goto ending :: else fi /* adopted, and not the refused one */
    :: else
    fi };
  atomic { /* the grant */
    assert(!forced || fs != sign_in || refused[fs] >= fg)                                  /* R3 */
    };
  if
  :: atomic { fg = fg + 1; if :: r_sign_in == fs -> r_gen = fg :: else fi }                /* granted and saved */
  :: atomic { fails > 0 -> fails--;
       if :: sign_in == fs -> failed = attempt; refusing = true; wanted_gen = 0; wanted_attempt = 0 :: else fi;
       flying = false; flights--; wake_all(); goto steps }
  fi;
#ifdef M_SPLIT
  atomic { if :: sign_in == fs && fg > gen -> gen = fg :: else fi; wake_all() };
  atomic { flying = false; flights--; goto steps };
#endif
ending:
  atomic { /* publish, end, wake: one critical section */
#if defined(M_CANCEL) || defined(M_CLOSEKILLS)
    if :: cut -> assert(r_gen <= gen || sign_in != fs); cut = false :: else fi;            /* R4: the answer is lost */
#endif
    if :: sign_in == fs && fg > gen -> gen = fg; refusing = false :: else fi;
    flying = false; flights--; wake_all(); goto steps };

nothing:
  atomic { if :: turn == 1 -> turn = 0; goto steps :: else fi }; /* ti_turn_give_locked; and looks again */
  atomic { task_runs = false; goto end };
}

/* ------------------------------------------------------------------ the world */

active proctype Clock() {
end:
  do
  :: atomic { task_pause -> task_pause = false }
  :: atomic { refusing -> refusing = false }
  :: atomic { timers > 0 && sign_in != 0 -> timers--; timer_due = true; task_due = true }
  :: atomic { errands > 0 -> errands--; errand = true }
  od
}
active proctype Api() {
end:
  do
  :: atomic { revokes > 0 && sign_in != 0 -> revokes--; accepted[sign_in] = gen + 1 }
  od
}
active proctype OtherProcess() {
end:
  do
  :: atomic { others > 0 && turn == 0 && r_sign_in != 0 -> turn = 2; others-- };
     if
     :: atomic { stops > 0 -> stops--; halted = true; break }
     :: atomic { r_gen = r_gen + 1; turn = 0 }
     fi
  od;
end_halted:
  false
}
active proctype User() {
end:
  do
  :: atomic { switches > 0 && sign_in == 1 ->
       switches--; sign_in = 0; gen = 0; wanted_gen = 0; wanted_attempt = 0; refusing = false; job = 1; task_due = true; wake_all() };
     atomic { job == 0 -> job = 2; task_due = true }
  :: atomic { closes > 0 -> closes--; closing = true;
#ifdef M_CLOSEKILLS
       cut = flying; flying = false;
#endif
#ifndef M_SILENTCLOSE
       wake_all()
#endif
     }
  od
}
init {
  atomic {
    accepted[1] = 3; accepted[2] = 1;
    run Worker();
#if WORKERS > 1
    run Worker();
#endif
    run Request(0); run Request(1) }
}

ltl wake { [] (waiting[0] -> <> !waiting[0]) && [] (waiting[1] -> <> !waiting[1]) }
ltl others { [] (errand -> <> !errand) }
ltl closes { [] (closing -> <> !waiting[0]) }

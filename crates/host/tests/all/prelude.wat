;; What every test guest starts with. Results of calls go to address 0; tests put their data at 1024 and above.
(module
  (import "wasi:cli/environment@0.2.0" "get-environment" (func $get_environment (param i32)))
  (import "wasi:cli/stderr@0.2.0" "get-stderr" (func $get_stderr (result i32)))
  (import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $get_directories (param i32)))
  (import "wasi:filesystem/types@0.2.0" "[method]descriptor.open-at"
    (func $open_at (param i32 i32 i32 i32 i32 i32 i32)))
  (import "wasi:filesystem/types@0.2.0" "[method]descriptor.read" (func $read_file (param i32 i64 i64 i32)))
  (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:io/poll@0.2.0" "[resource-drop]pollable" (func $drop_pollable (param i32)))
  (import "wasi:io/streams@0.2.0" "[method]input-stream.blocking-read" (func $blocking_read (param i32 i64 i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
    (func $blocking_write (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.0" "[resource-drop]output-stream" (func $drop_output (param i32)))
  (import "wasi:http/types@0.2.0" "[constructor]fields" (func $fields_new (result i32)))
  (import "wasi:http/types@0.2.0" "[method]fields.get" (func $fields_get (param i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.0" "[method]fields.entries" (func $fields_entries (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[method]incoming-request.headers" (func $request_headers (param i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]incoming-request.consume" (func $request_consume (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[method]incoming-body.stream" (func $body_stream (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[method]incoming-response.status" (func $status (param i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]incoming-response.consume" (func $response_consume (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[constructor]outgoing-response" (func $response_new (param i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-response.set-status-code"
    (func $set_status (param i32 i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-response.body" (func $response_body (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-body.write" (func $body_write (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[static]outgoing-body.finish" (func $body_finish (param i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.0" "[static]response-outparam.set"
    (func $outparam_set (param i32 i32 i32 i32 i64 i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.0" "[constructor]outgoing-request" (func $request_new (param i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-request.set-scheme"
    (func $set_scheme (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-request.set-authority"
    (func $set_authority (param i32 i32 i32 i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-request.set-path-with-query"
    (func $set_path (param i32 i32 i32 i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]future-incoming-response.subscribe"
    (func $subscribe (param i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]future-incoming-response.get" (func $future_get (param i32 i32)))
  (import "wasi:http/outgoing-handler@0.2.0" "handle" (func $send_request (param i32 i32 i32 i32)))

  (memory (export "memory") 4)
  (global $free (mut i32) (i32.const 131072))
  (global $calls (mut i32) (i32.const 0))

  ;; Only hands out: a guest lives for one request.
  (func (export "cabi_realloc") (param i32 i32 i32) (param $len i32) (result i32)
    (local $ptr i32)
    (local.set $ptr (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $ptr) (local.get $len)))
    (if (i32.gt_u (global.get $free) (i32.mul (memory.size) (i32.const 65536)))
      (then (if (i32.lt_s (memory.grow (i32.add (i32.shr_u (local.get $len) (i32.const 16)) (i32.const 1)))
                          (i32.const 0))
        (then unreachable))))
    (local.get $ptr))

  ;; An outgoing response with that status.
  (func $answer (param $status i32) (result i32)
    (local $response i32)
    (local.set $response (call $response_new (call $fields_new)))
    (drop (call $set_status (local.get $response) (local.get $status)))
    (local.get $response))

  (func $body_of (param $response i32) (result i32)
    (call $response_body (local.get $response) (i32.const 0))
    (i32.load (i32.const 4)))

  (func $stream_of (param $body i32) (result i32)
    (call $body_write (local.get $body) (i32.const 0))
    (i32.load (i32.const 4)))

  ;; The stream of the request's body.
  (func $input_of (param $request i32) (result i32)
    (call $request_consume (local.get $request) (i32.const 0))
    (call $body_stream (i32.load (i32.const 4)) (i32.const 0))
    (i32.load (i32.const 4)))

  (func $set (param $out i32) (param $response i32)
    (call $outparam_set (local.get $out) (i32.const 0) (local.get $response) (i32.const 0) (i64.const 0)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))

  (func $write (param $stream i32) (param $ptr i32) (param $len i32)
    (call $blocking_write (local.get $stream) (local.get $ptr) (local.get $len) (i32.const 0)))

  (func $finish (param $stream i32) (param $body i32)
    (call $drop_output (local.get $stream))
    (call $body_finish (local.get $body) (i32.const 0) (i32.const 0) (i32.const 0)))

  ;; A whole response.
  (func $send (param $out i32) (param $status i32) (param $ptr i32) (param $len i32)
    (local $response i32) (local $body i32) (local $stream i32)
    (local.set $response (call $answer (local.get $status)))
    (local.set $body (call $body_of (local.get $response)))
    (local.set $stream (call $stream_of (local.get $body)))
    (call $set (local.get $out) (local.get $response))
    (call $write (local.get $stream) (local.get $ptr) (local.get $len))
    (call $finish (local.get $stream) (local.get $body)))

  ;; Reads a piece of a body to an address of its own; 0 bytes at the end.
  (func $read (param $input i32) (result i32 i32)
    (global.set $free (i32.const 131072))
    (call $blocking_read (local.get $input) (i64.const 4096) (i32.const 0))
    (if (result i32 i32) (i32.load8_u (i32.const 0))
      (then (i32.const 0) (i32.const 0))
      (else (i32.load (i32.const 4)) (i32.load (i32.const 8)))))

  ;; Copies a body to its end.
  (func $copy (param $input i32) (param $output i32)
    (local $ptr i32) (local $len i32)
    (loop $next
      (call $read (local.get $input))
      (local.set $len)
      (local.set $ptr)
      (if (local.get $len)
        (then
          (call $write (local.get $output) (local.get $ptr) (local.get $len))
          (br $next)))))

  ;; The first value of the header whose name is at that address; it must be there.
  (func $header (param $request i32) (param $name i32) (param $name_len i32) (result i32 i32)
    (call $fields_get (call $request_headers (local.get $request))
      (local.get $name) (local.get $name_len) (i32.const 0))
    (i32.load (i32.load (i32.const 0)))
    (i32.load offset=4 (i32.load (i32.const 0))))

  ;; Sends GET http://<authority>/<path> and waits for the response, or returns 0 and 460 + the number of the error code.
  (func $fetch (param $authority i32) (param $authority_len i32) (param $path i32) (param $path_len i32)
    (result i32 i32)
    (local $request i32) (local $future i32) (local $pollable i32)
    (local.set $request (call $request_new (call $fields_new)))
    (drop (call $set_scheme (local.get $request) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))
    (drop (call $set_authority (local.get $request) (i32.const 1) (local.get $authority) (local.get $authority_len)))
    (drop (call $set_path (local.get $request) (i32.const 1) (local.get $path) (local.get $path_len)))
    (call $send_request (local.get $request) (i32.const 0) (i32.const 0) (i32.const 0))
    (if (i32.load8_u (i32.const 0))
      (then (return (i32.const 0) (i32.add (i32.const 460) (i32.load8_u (i32.const 8))))))
    (local.set $future (i32.load (i32.const 8)))
    (local.set $pollable (call $subscribe (local.get $future)))
    (call $block (local.get $pollable))
    (call $drop_pollable (local.get $pollable))
    (call $future_get (local.get $future) (i32.const 0))
    (if (i32.load8_u (i32.const 16))
      (then (return (i32.const 0) (i32.add (i32.const 460) (i32.load8_u (i32.const 24))))))
    (i32.load (i32.const 24))
    (i32.const 200))

-- What the policies of both legs make of an offer within a call that stands. :caller_media, :offered, :callee_media
select code, reason, flags from media_rule where caller = :caller_media and offered = :offered and callee = :callee_media

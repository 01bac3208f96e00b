-- A pattern of 1,024 letters of three bytes is larger than an entry of an index may be.
ALTER TABLE file_leases DROP CONSTRAINT file_leases_session_id_agent_id_pattern_key;
CREATE UNIQUE INDEX patterns_of_agent ON file_leases (session_id, agent_id, md5(pattern));

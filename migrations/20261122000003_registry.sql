-- The ten agent types of the specification ("Agent Keyword Matching"); `domain::registry::builtin` says
-- the same, and a test holds the two together.
INSERT INTO agent_registry
    (agent_type, display_name, category, keywords, max_files, forbidden_actions, allowed_tools, model)
VALUES
    ('Explore', 'Codebase Explorer', 'exploration', ARRAY['explore', 'find', 'search', 'scan', 'investigate', 'understand', 'codebase']::text[],
     1, ARRAY['modify source files']::text[], ARRAY['Read', 'Grep', 'Glob']::text[], 'sonnet'),
    ('Snipper', 'Code Editor', 'implementation', ARRAY['edit', 'modify', 'change', 'update', 'fix', 'create file', 'write code']::text[],
     3, ARRAY[]::text[], ARRAY['Read', 'Grep', 'Glob', 'Edit', 'Write']::text[], 'sonnet'),
    ('frontend-react', 'React Frontend Developer', 'implementation', ARRAY['react', 'component', 'ui', 'frontend', 'tsx', 'jsx', 'css', 'style']::text[],
     8, ARRAY['modify backend code']::text[], ARRAY['Read', 'Grep', 'Glob', 'Edit', 'Write', 'Bash']::text[], 'sonnet'),
    ('backend-laravel', 'Laravel Backend Developer', 'implementation', ARRAY['laravel', 'php', 'controller', 'migration', 'model', 'artisan']::text[],
     5, ARRAY['delete migrations', 'drop tables']::text[], ARRAY['Read', 'Grep', 'Glob', 'Edit', 'Write', 'Bash']::text[], 'sonnet'),
    ('supabase-backend', 'Supabase Backend Developer', 'implementation', ARRAY['supabase', 'rls', 'policy', 'database', 'schema', 'sql']::text[],
     5, ARRAY['drop tables', 'disable row level security']::text[], ARRAY['Read', 'Grep', 'Glob', 'Edit', 'Write', 'Bash']::text[], 'sonnet'),
    ('test-engineer', 'Test Engineer', 'validation', ARRAY['test', 'testing', 'spec', 'coverage', 'assert', 'expect', 'jest', 'vitest']::text[],
     10, ARRAY['delete existing tests', 'modify production code']::text[], ARRAY['Read', 'Grep', 'Glob', 'Edit', 'Write', 'Bash']::text[], 'sonnet'),
    ('security-specialist', 'Security Specialist', 'validation', ARRAY['security', 'vulnerability', 'auth', 'permission', 'owasp']::text[],
     5, ARRAY['weaken access checks', 'write secrets into files']::text[], ARRAY['Read', 'Grep', 'Glob', 'Bash']::text[], 'sonnet'),
    ('docs-writer', 'Documentation Writer', 'validation', ARRAY['document', 'readme', 'docs', 'api doc', 'changelog']::text[],
     5, ARRAY['modify source code']::text[], ARRAY['Read', 'Grep', 'Glob', 'Edit', 'Write']::text[], 'haiku'),
    ('code-reviewer', 'Code Reviewer', 'validation', ARRAY['review', 'audit', 'quality', 'lint', 'clean']::text[],
     1, ARRAY['modify source files']::text[], ARRAY['Read', 'Grep', 'Glob', 'Bash']::text[], 'haiku'),
    ('performance-engineer', 'Performance Engineer', 'validation', ARRAY['performance', 'optimize', 'cache', 'latency', 'profil']::text[],
     5, ARRAY['change behaviour']::text[], ARRAY['Read', 'Grep', 'Glob', 'Edit', 'Write', 'Bash']::text[], 'sonnet');
